"""One optimizer step of whatever learns: the policy, the warm-up, a scorer.

`fit_step` is the per-shard program that both drivers run. It cuts the rows into
micro-batches, adds up over them and over the devices, divides once, guards and steps;
it knows one axis and uses it once, on sums, before dividing.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool

from rewardlab.core.finite import all_finite
from rewardlab.core.types import Rollout, Sum

Trained = Any  # the parameters that a step moves
Rows = Any  # a pytree of arrays, of N rows or B prompts each
Metrics = dict[str, Sum]
Loss = Callable[[Trained, Rollout, Rows], tuple[Sum, Metrics, Rows]]
Step = Callable[..., tuple[Trained, optax.OptState, Metrics, Rows]]


def fit_step(
    loss: Loss,
    optimizer: optax.GradientTransformation,
    micro_batches: int = 1,
    axis: str | None = None,
) -> Step:
    """step(trained, opt, rollout, rows) -> (trained, opt, metrics, each).

    `loss(trained, rollout, rows)` gives a `Sum`, metrics of sums, and `each`: arrays of
    rows that are given back whole. `rows` are cut as the rollout is, by whole prompts,
    and inside a cut `rollout.group` counts its own prompts from 0. Gradients are of the
    loss's sum; sums over micro-batches and over `axis` are divided once by the count of
    the whole batch, so the cut changes nothing. A step whose loss, gradient or outcome
    (parameters, optimizer) is not finite leaves both alone and reports `skipped` 1; so
    does one of which nothing counts, or which is told not to learn, without such a
    report.
    """

    def summed(trained: Trained, rollout: Rollout, rows: Rows) -> tuple[Any, Any]:
        total, metrics, each = loss(trained, rollout, rows)
        return total.value, ((total, metrics), each)

    gradient = jax.grad(summed, has_aux=True)

    def step(
        trained: Trained,
        opt: optax.OptState,
        rollout: Rollout,
        rows: Rows,
        learns: Bool[Array, ""] | None = None,
    ) -> tuple[Trained, optax.OptState, Metrics, Rows]:
        own = rollout if axis is None else of_shard(rollout)
        of_parts = functools.partial(gradient, trained)
        grads, sums, each = _accumulate(of_parts, own, rows, micro_batches)
        if axis is not None:
            grads, sums = lax.psum((grads, sums), axis)
        total, metrics = sums
        # One long vector, as `optax.flatten` makes it: a loop, not one a parameter.
        flat, unravel = ravel_pytree(grads)
        flat = flat / jnp.maximum(total.count, 1)
        grads, norm, one = unravel(flat), jnp.linalg.norm(flat), jnp.ones(())
        finite = jnp.isfinite(norm) & jnp.isfinite(total.value)
        updates, after = optimizer.update(grads, opt, trained)
        new = (optax.apply_updates(trained, updates), after)
        finite &= all_finite(new)
        moves = finite & (total.count > 0)
        moves = moves if learns is None else moves & learns
        kept = jax.tree.map(lambda n, o: jnp.where(moves, n, o), new, (trained, opt))
        whole = {"loss": total, "grad_norm": Sum(norm, one)}
        skipped = {"skipped": Sum(1.0 - finite, one)}
        return *kept, {**metrics, **whole, **skipped}, each

    return step


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
