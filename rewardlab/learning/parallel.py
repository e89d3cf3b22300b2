"""Devices: the jit and pmap drivers. Which ones a run has, `prepare.py` says.

A driver runs a per-shard program over the devices. Its arguments and results are
`SHARDED` (the leading axis is cut into equal parts, one a device), `REPLICATED`, or
`PARTED` (what is trained: see `shards.py`). Both drivers run the same program; one that
learns is given `Shards`, its way to the others.
"""

import contextlib
import functools
import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from rewardlab.core.types import Rollout
from rewardlab.learning.shards import AXES, DATA, FSDP, Shards, cuts_of, specs_of

# XLA's newer CPU emitters and its higher optimization take longer to compile and make
# an iteration no faster (benchmarks/README.md). What XLA_FLAGS names stays as it says,
# and what this JAX does not know is left out: options come and go between releases.
CPU_OPTIONS = {
    "xla_cpu_use_fusion_emitters": False,
    "xla_backend_optimization_level": 1,
    "xla_cpu_parallel_codegen_split_count": 2,
}
PRECISIONS = ("bfloat16", "tensorfloat32", "float32")
SHARDED, REPLICATED, PARTED = P(AXES), P(), P(FSDP)
SHARDED_ROLLOUT: Any = Rollout(*[SHARDED] * 9, iteration=REPLICATED)  # type: ignore


@functools.cache
def accepts(option: str, value: bool | int) -> bool:
    """Whether this JAX compiles with an option; asked once, of a program of nothing."""
    try:
        jax.jit(lambda: 0, compiler_options={option: value}).lower().compile()
    except (jax.errors.JaxRuntimeError, ValueError, TypeError):
        return False
    return True


def matmul_precision(name: str) -> contextlib.AbstractContextManager[None]:
    """Float32 products of programs traced inside are made so; "" leaves it to JAX."""
    return jax.default_matmul_precision(name) if name else contextlib.nullcontext()


class Driver(NamedTuple):
    """How programs meet devices.

    `replicate` puts a pytree on every device, `part` each device's part of it. `spmd(f,
    ins, outs, donate)` runs the per-shard `f` everywhere; so does `fit`, whose `f` has
    `Shards` as its first argument: there the first of `ins` is what it trains, and what
    is `PARTED` of `outs` lies as the argument in the same place. `fuse(f, donate)`
    compiles a function that calls such programs into one, where the driver can.
    """

    devices: int
    replicate: Callable[[Any], Any]
    part: Callable[[Any], Any]
    spmd: Callable[..., Callable[..., Any]]
    fit: Callable[..., Callable[..., Any]]
    fuse: Callable[..., Callable[..., Any]]
    fuses: bool  # whether it does


def jit_driver(devices: Sequence[jax.Device] | None = None, fsdp: int = 1) -> Driver:
    """`jit` over a mesh with `NamedSharding`s; the default. `fsdp` devices share what
    is trained.

    The mesh has Auto axes. Per-shard programs run under `shard_map` with `check_vma`
    off: with it on, the transpose of a replicated parameter already sums over the
    devices, and the explicit `psum` of the gradient would sum once more.
    """
    mesh = _mesh(devices or jax.devices(), fsdp)
    everywhere = NamedSharding(mesh, REPLICATED)

    def part(tree: Any) -> Any:
        specs = specs_of(tree, fsdp)
        where = jax.tree.map(lambda spec: NamedSharding(mesh, spec), specs)
        return jax.device_put(tree, where)

    def mapped(f: Callable[..., Any], ins: Any, outs: Any) -> Callable[..., Any]:
        layout = {"mesh": mesh, "in_specs": ins, "out_specs": outs}
        return jax.shard_map(f, **layout, check_vma=False)

    def spmd(
        f: Callable[..., Any], ins: Any, outs: Any, donate: Sequence[int] = ()
    ) -> Callable[..., Any]:
        return jax.jit(mapped(f, ins, outs), donate_argnums=tuple(donate))

    def fit(
        f: Callable[..., Any], ins: Any, outs: Any, donate: Sequence[int] = ()
    ) -> Callable[..., Any]:
        def run(*args: Any) -> Any:
            given, made, cuts = _places(args, ins, outs, fsdp)
            return mapped(functools.partial(f, Shards(AXES, cuts)), given, made)(*args)

        return jax.jit(run, donate_argnums=tuple(donate))

    options = _options(mesh.devices.flat[0].platform)

    def fuse(f: Callable[..., Any], donate: Sequence[int] = ()) -> Callable[..., Any]:
        return jax.jit(
            f, donate_argnums=tuple(donate), compiler_options=options or None
        )

    return Driver(
        devices=mesh.size,
        replicate=lambda tree: jax.device_put(tree, everywhere),
        part=part,
        spmd=spmd,
        fit=fit,
        fuse=fuse,
        fuses=True,
    )


def _mesh(devices: Sequence[jax.Device], fsdp: int) -> Mesh:
    used = np.array(devices)
    if used.size % fsdp:
        fits = [n for n in range(1, used.size + 1) if used.size % n == 0]
        raise ValueError(
            f"mesh.fsdp={fsdp} does not divide {used.size} devices; use one of {fits}"
        )
    return Mesh(used.reshape(-1, fsdp), AXES, axis_types=(AxisType.Auto,) * 2)


def _places(
    args: tuple[Any, ...], ins: tuple[Any, ...], outs: tuple[Any, ...], fsdp: int
) -> tuple[Any, Any, tuple[int | None, ...]]:
    """The specs of arguments and results, and how what is trained is cut."""
    given = [
        specs_of(arg, fsdp) if spec == PARTED else spec
        for spec, arg in zip(ins, args, strict=True)
    ]
    made = [given[i] if spec == PARTED else spec for i, spec in enumerate(outs)]
    cuts = cuts_of(args[0], fsdp) if ins[0] == PARTED else ()
    return tuple(given), tuple(made), cuts


def _options(platform: str) -> dict[str, bool | int]:
    """How a CPU's programs are compiled, where nobody says otherwise."""
    said = os.environ.get("XLA_FLAGS", "")
    return {
        name: value
        for name, value in (CPU_OPTIONS.items() if platform == "cpu" else ())
        if name not in said and accepts(name, value)
    }


def pmap_driver(devices: Sequence[jax.Device] | None = None, fsdp: int = 1) -> Driver:
    """`jax.pmap`: one program a device, with all that is trained on each.

    What stands between two per-shard programs (scores, advantages) sees global arrays,
    so it is compiled apart: `fuse` leaves the function as it is.
    """
    _refuse_parts(fsdp)
    used = list(devices or jax.devices())
    mesh = Mesh(np.array(used), (DATA,))
    count = len(used)

    def split(x: Any) -> jax.Array:
        parts = jnp.reshape(x, (count, x.shape[0] // count, *x.shape[1:]))
        return jax.device_put(parts, NamedSharding(mesh, P(DATA)))

    def replicate(tree: Any) -> Any:
        return jax.device_put(tree, NamedSharding(mesh, REPLICATED))

    def spmd(
        f: Callable[..., Any], ins: Any, outs: Any, donate: Sequence[int] = ()
    ) -> Callable[..., Any]:
        program = jax.pmap(
            f,
            DATA,
            in_axes=_axes(ins),
            out_axes=_axes(outs),
            devices=used,
            donate_argnums=tuple(donate),
        )

        def run(*args: Any) -> Any:
            results = program(*_by_spec(split, replicate, ins, args))
            return _by_spec(_merge, lambda x: x, outs, results)

        return run

    return Driver(
        devices=count,
        replicate=replicate,
        part=replicate,
        spmd=spmd,
        fit=lambda f, *layout, **more: spmd(
            functools.partial(f, Shards((DATA,))), *layout, **more
        ),
        fuse=lambda f, donate=(): f,
        fuses=False,
    )


def _refuse_parts(fsdp: int) -> None:
    if fsdp != 1:
        raise ValueError(
            f"mesh.driver='pmap' keeps all parameters on every device; use 'jit' for "
            f"mesh.fsdp={fsdp}"
        )


def _merge(x: jax.Array) -> jax.Array:
    return jnp.reshape(x, (-1, *x.shape[2:]))


DRIVERS = {"jit": jit_driver, "pmap": pmap_driver}


def _by_spec(
    sharded: Callable[[Any], Any],
    replicated: Callable[[Any], Any],
    specs: Any,
    tree: Any,
) -> Any:
    """Applies one of two functions to each leaf, by its spec (a pytree prefix)."""

    def apply(spec: Any, part: Any) -> Any:
        return jax.tree.map(sharded if spec == SHARDED else replicated, part)

    return jax.tree.map(apply, specs, tree, is_leaf=lambda s: isinstance(s, P))


def _axes(specs: Any) -> Any:
    def axis(spec: Any) -> int | None:
        return 0 if spec == SHARDED else None

    return jax.tree.map(axis, specs, is_leaf=lambda s: isinstance(s, P))
