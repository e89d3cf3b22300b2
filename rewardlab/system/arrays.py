"""A pytree of arrays on the disk, as Orbax writes it.

It is kept by the names of its leaves, in nested dicts: what holds no array (an empty
state of an optimizer, of a reward transform) is no part of it.
"""

import contextlib
import gc
import logging
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp
from flax.traverse_util import flatten_dict, unflatten_dict

from rewardlab.system.files import short

State = TypeVar("State")
_LOUD = ("absl", "asyncio")
# Orbax looks for some of its files by a pattern that the folder's name is a part of.
_PLAIN = re.compile(r"[\w./ +=,@:~-]*", re.ASCII)


def write(folder: Path, state: Any) -> None:
    """Saves the arrays in `folder`, which must not be there yet."""
    need, free = _size(state), shutil.disk_usage(folder.parent).free
    if need > free:
        raise ValueError(
            f"checkpoint {_name(folder)} needs {need / 1e6:.1f} MB and the disk has "
            f"{free / 1e6:.1f}; make room, or use another --workdir"
        )
    args = ocp.args.StandardSave(_nested(state))
    _ask(folder, "written", lambda orbax, there: orbax.save(there, args=args))


def read(folder: Path, like: State, there: Collection[str] | None = None) -> State:
    """The arrays saved in `folder`, laid out as those of `like`, of the same names.

    Of names that are not `there`, if that is said, `like` stays as it is.
    """
    named = _named(like)
    wanted = {n: x for n, x in named if there is None or ".".join(n) in there}
    args: Any = ocp.args.StandardRestore(unflatten_dict(wanted))
    handler: Any = ocp.StandardCheckpointHandler()
    if there is not None and len(there) > len(wanted):  # more than is asked for
        item = unflatten_dict(wanted)
        how = ocp.checkpoint_utils.construct_restore_args(item)
        args = ocp.args.PyTreeRestore(item, restore_args=how, partial_restore=True)
        handler = ocp.PyTreeCheckpointHandler()

    def restore(orbax: ocp.Checkpointer, there: Path) -> Any:
        return orbax.restore(there, args=args)

    found = flatten_dict(_ask(folder, "read", restore, handler))
    leaves = [found.get(name, x) for name, x in named]
    return jax.tree.unflatten(jax.tree.structure(like), leaves)


def shapes(state: Any) -> dict[str, str]:
    """One line a leaf, such as `{"params.head": "float32[128, 64]"}`."""
    return {".".join(n): f"{x.dtype}{list(x.shape)}" for n, x in _named(state)}


def same(a: Any, b: Any) -> bool:
    """Whether all arrays are equal bit for bit, as far as this process holds them."""
    pairs = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    return all(_bits(x) == _bits(y) for x, y in pairs)


def _name(folder: Path) -> str:
    return short(folder.parent).removesuffix(".saving")


def _size(state: Any) -> int:
    """Bytes of the arrays that this process holds, once each."""
    leaves = [x for x in jax.tree.leaves(state) if hasattr(x, "nbytes")]
    return sum(x.nbytes for x in leaves)


def _bits(x: Any) -> list[bytes]:
    if jnp.issubdtype(x.dtype, jax.dtypes.prng_key):
        x = jax.random.key_data(x)
    if not isinstance(x, jax.Array):
        return [np.asarray(x).tobytes()]
    shards = [s for s in x.addressable_shards if s.replica_id == 0]
    return [np.asarray(s.data).tobytes() for s in shards]


def _named(state: Any) -> list[tuple[tuple[str, ...], Any]]:
    leaves = jax.tree_util.tree_leaves_with_path(state)
    name = lambda key: jax.tree_util.keystr((key,), simple=True)  # noqa: E731
    return [(tuple(map(name, path)), x) for path, x in leaves]


def _nested(state: Any) -> dict[str, Any]:
    return unflatten_dict(dict(_named(state)))


def _ask(
    folder: Path,
    what: str,
    ask: Callable[[ocp.Checkpointer, Path], Any],
    handler: Any = None,
) -> Any:
    """`ask(orbax, folder)`, with the folder under a name without patterns.

    The synchronous writer: a small state takes as long either way, and nothing is left
    in flight when the process dies. What goes wrong is one sentence, without the pages
    that Orbax, TensorStore and asyncio have to say of it.
    """
    with _quiet(), contextlib.ExitStack() as stack:
        orbax = ocp.Checkpointer(handler or ocp.StandardCheckpointHandler())
        stack.callback(orbax.close)
        there = folder
        if not _PLAIN.fullmatch(str(folder)):
            link = Path(stack.enter_context(tempfile.TemporaryDirectory()), "here")
            link.symlink_to(folder.parent)
            there = link / folder.name
        try:
            return ask(orbax, there)
        except Exception as error:
            said = " ".join(str(error).split())
            system = re.search(r"([^:\[\]]+) \[os_error_code=", said)
            reason = system[1].strip().lower() if system else said[:200]
        gc.collect()  # asyncio tells of what nobody asked for when it is collected
    raise ValueError(
        f"checkpoint {_name(folder)} cannot be {what} ({reason}); make room, or "
        "use another --workdir"
    )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Orbax reports its own housekeeping, and each failure again on every thread; the
    exception says what there is to know. So does TensorStore, of each write that nobody
    waits for any more."""
    before = {name: logging.getLogger(name).level for name in _LOUD}
    hook, sys.unraisablehook = sys.unraisablehook, lambda _: None
    for name in _LOUD:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        sys.unraisablehook = hook
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
