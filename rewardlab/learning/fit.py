"""One optimizer step of whatever learns: the policy, the warm-up, a scorer.

`fit_step` is the per-shard program that both drivers run. It cuts the rows into
micro-batches, adds up over them and over the devices, divides once, guards and steps;
it meets the others once, with sums, before dividing.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jaxtyping import Array, Bool, Float

from rewardlab.core.finite import all_finite
from rewardlab.core.types import Rollout, Sum
from rewardlab.learning.parallel import (
    PARTED,
    REPLICATED,
    SHARDED,
    SHARDED_ROLLOUT,
)
from rewardlab.learning.shards import ALONE, Shards

Trained = Any  # the parameters that a step moves
Rows = Any  # a pytree of arrays, of N rows or B prompts each
Metrics = dict[str, Sum]
Loss = Callable[[Trained, Rollout, Rows], tuple[Sum, Metrics, Rows]]
Step = Callable[..., tuple[Trained, optax.OptState, Metrics, Rows]]
STEP: dict[str, Any] = {  # how a gradient step meets devices
    "ins": (PARTED, PARTED, SHARDED_ROLLOUT, SHARDED, REPLICATED),
    "outs": (PARTED, PARTED, REPLICATED, SHARDED),
    "donate": (0, 1),
}


def fit_step(
    loss: Loss,
    optimizer: optax.GradientTransformation,
    micro_batches: int = 1,
    shards: Shards = ALONE,
    several: bool = False,
) -> Step:
    """step(trained, opt, rollout, rows) -> (trained, opt, metrics, each).

    `loss(trained, rollout, rows)` gives a `Sum`, metrics of sums, and `each`: arrays of
    rows that are given back whole. `rows` are cut as the rollout is, by whole prompts,
    and inside a cut `rollout.group` counts its own prompts from 0. Gradients are of the
    loss's sum; sums over micro-batches and devices are divided once by the count of the
    whole batch, so the cut changes nothing. A loss of `several` has values and counts
    [K] and is the sum of their means: its counts are added up before. `trained` and
    `opt` are a device's parts of them; the optimizer moves each number by itself, and
    is told the `norm` of the whole gradient. A step whose loss, gradient or outcome
    (parameters, optimizer) is not finite leaves both alone and reports `skipped` 1; so
    does one of which nothing counts, or which is told not to learn, without such a
    report.
    """

    gradient = _gradient_of(loss, shards)
    counted = _shares(loss, micro_batches, shards)
    optimizer = optax.with_extra_args_support(optimizer)

    def step(
        trained: Trained,
        opt: optax.OptState,
        rollout: Rollout,
        rows: Rows,
        learns: Bool[Array, ""] | None = None,
    ) -> tuple[Trained, optax.OptState, Metrics, Rows]:
        own = of_shard(rollout) if shards.axes else rollout
        share = counted(trained, own, rows) if several else 1
        of_parts = functools.partial(gradient, trained, share)
        grads, sums, each = _accumulate(of_parts, own, rows, micro_batches)
        grads, (total, metrics) = shards.sum(grads, sums)
        if not several:
            share = 1 / jnp.maximum(total.count, 1)
            grads = jax.tree.map(lambda g: g * share, grads)
        norm, one = shards.norm(grads), jnp.ones(())

        def moved(now: Any) -> tuple[Trained, optax.OptState]:
            updates, after = optimizer.update(grads, now[1], now[0], norm=norm)
            return optax.apply_updates(now[0], updates), after

        finite = jnp.isfinite(norm) & jnp.all(jnp.isfinite(total.value))
        finite = _stays_finite(moved, (trained, opt), finite, shards)
        moves = finite & jnp.any(total.count > 0)
        moves = moves if learns is None else moves & learns
        kept = lax.cond(moves, moved, lambda now: now, (trained, opt))
        mean = Sum(jnp.sum(total.mean()), one) if several else total
        whole = {"loss": mean, "grad_norm": Sum(norm, one)}
        skipped = {"skipped": Sum(1.0 - finite, one)}
        return *kept, {**metrics, **whole, **skipped}, each

    return step


def _gradient_of(loss: Loss, shards: Shards) -> Callable[..., Any]:
    """(trained, share, rollout, rows) -> the gradient of the sum of value times share,
    the sums, and what there is of every row."""

    def summed(
        trained: Trained, share: Any, rollout: Rollout, rows: Rows
    ) -> tuple[Any, Any]:
        total, metrics, each = loss(shards.whole(trained), rollout, rows)
        return jnp.sum(total.value * share), ((total, metrics), each)

    return jax.grad(summed, has_aux=True)


def _shares(loss: Loss, micro_batches: int, shards: Shards) -> Callable[..., Any]:
    """1 / count of each of several losses, over the whole batch.

    What only makes the losses' values is dead code here: as a rule no model is run.
    """

    def shares(trained: Trained, rollout: Rollout, rows: Rows) -> Float[Array, " K"]:
        def counts(rollout: Rollout, rows: Rows) -> tuple[Any, Any]:
            total, *_ = loss(shards.whole(trained), rollout, rows)
            return (), (total.count, ())

        _, found, _ = _accumulate(counts, rollout, rows, micro_batches)
        return 1 / jnp.maximum(shards.total(found), 1)

    return shares


def _stays_finite(
    moved: Callable[[Any], Any], now: Any, finite: Bool[Array, ""], shards: Shards
) -> Bool[Array, ""]:
    """Whether all that a step makes of `now` is finite.

    It is computed in a branch of which nothing but the answer is left, and once more
    where it is kept: then it is written over what is donated, and a choice between two
    whole states would hold both of them.
    """
    nothing = jnp.zeros((), bool)
    asked = lambda now: all_finite(moved(now))  # noqa: E731
    return shards.all(lax.cond(finite, asked, lambda _: nothing, now))


def of_shard(rollout: Rollout) -> Rollout:
    """The rows of one device, with `group` as numbers of its own prompts.

    Outside they count over all devices, so sums over the groups of a shard would lose
    the rows of every device but the first.
    """
    prompts, rows = rollout.prompts.shape[0], rollout.tokens.shape[0]
    group = jnp.arange(rows, dtype=jnp.int32) // (rows // prompts)
    return dataclasses.replace(rollout, group=group)


def _accumulate(
    gradient: Callable[..., Any], rollout: Rollout, rows: Rows, micro_batches: int
) -> tuple[Any, Any, Rows]:
    """Gradients and sums over micro-batches, and what there is of every row."""
    if micro_batches == 1:
        grads, (sums, each) = gradient(rollout, rows)
        return grads, sums, each
    chunks = _chunks(rollout, rows, micro_batches)
    grads, (sums, _) = jax.eval_shape(gradient, *jax.tree.map(lambda x: x[0], chunks))
    zeros = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), (grads, sums))

    def add(carry: Any, chunk: Any) -> tuple[Any, Any]:
        grads, (sums, each) = gradient(*chunk)
        return jax.tree.map(jnp.add, carry, (grads, sums)), each

    (grads, sums), each = lax.scan(add, zeros, chunks)
    joined = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), each)
    return grads, sums, joined


def _chunks(rollout: Rollout, rows: Rows, count: int) -> tuple[Rollout, Rows]:
    """The rows of whole prompts cut into `count` equal parts on a new first axis."""
    prompts, n = rollout.prompts.shape[0], rollout.tokens.shape[0]
    if prompts % count:
        fits = [size for size in range(1, prompts + 1) if prompts % size == 0]
        raise ValueError(
            f"micro_batches={count} does not divide the {prompts} prompts of a device; "
            f"use one of {fits}"
        )
    cut = lambda x: x.reshape(count, x.shape[0] // count, *x.shape[1:])  # noqa: E731
    group = jnp.arange(n // count) // (n // prompts)
    fields = {f.name: getattr(rollout, f.name) for f in dataclasses.fields(rollout)}
    parts = jax.tree.map(cut, {k: v for k, v in fields.items() if k != "iteration"})
    parts["group"] = jnp.tile(group, (count, 1))
    parts["iteration"] = jnp.broadcast_to(rollout.iteration, (count,))
    return Rollout(**parts), jax.tree.map(cut, rows)
