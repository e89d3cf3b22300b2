"""Several optimizer steps from one rollout, each on a part of its prompts."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jaxtyping import Array

from rewardlab.core.types import Rollout
from rewardlab.learning.fit import Metrics, Rows, Step, Trained


def in_mini_batches(step: Step, count: int) -> Step:
    """A `fit_step` on `count` parts of the prompts, one after another.

    Prompt j of a device is in part j % count, so the parts are the same however many
    devices share the prompts. Metrics are the sums over all parts; what there is of
    every row comes back in the order of the rows.
    """
    if count == 1:
        return step

    def steps(
        trained: Trained, opt: optax.OptState, rollout: Rollout, rows: Rows, *told: Any
    ) -> tuple[Trained, optax.OptState, Metrics, Rows]:
        def one(carry: Any, part: Any) -> tuple[Any, Any]:
            *moved, metrics, each = step(*carry, *part, *told)
            return tuple(moved), (metrics, each)

        prompts = rollout.prompts.shape[0]
        parts = _parts(rollout, rows, count)
        (trained, opt), (metrics, each) = lax.scan(one, (trained, opt), parts)
        metrics = jax.tree.map(lambda x: jnp.sum(x, axis=0), metrics)
        back = lambda x: _put_back(x, prompts)  # noqa: E731
        return trained, opt, metrics, jax.tree.map(back, each)

    return steps


def micro_batches_in(prompts: int, count: int, micro_batches: int) -> int:
    """How often a mini-batch is cut again, so that no pass sees more prompts than one
    of the `micro_batches` of all `prompts` would."""
    if count == 1:
        return micro_batches
    size, most = prompts // count, prompts // micro_batches
    return next(n for n in range(1, size + 1) if size % n == 0 and size // n <= most)


def _parts(rollout: Rollout, rows: Rows, count: int) -> tuple[Rollout, Rows]:
    """Rollouts of every `count`-th prompt, and their rows, on a new first axis."""
    prompts, n = rollout.prompts.shape[0], rollout.tokens.shape[0]

    def cut(x: Array) -> Array:
        each = (prompts // count, count, x.shape[0] // prompts, *x.shape[1:])
        return jnp.moveaxis(x.reshape(each), 1, 0).reshape(count, -1, *x.shape[1:])

    fields = {f.name: getattr(rollout, f.name) for f in dataclasses.fields(rollout)}
    parts = jax.tree.map(cut, {k: v for k, v in fields.items() if k != "iteration"})
    group = jnp.arange(n // count, dtype=jnp.int32) // (n // prompts)
    parts["group"] = jnp.tile(group, (count, 1))
    parts["iteration"] = jnp.broadcast_to(rollout.iteration, (count,))
    return Rollout(**parts), jax.tree.map(cut, rows)


def _put_back(x: Array, prompts: int) -> Array:
    """The rows of all parts in the order that they had before `_parts`."""
    count, n = x.shape[:2]
    each = (count, prompts // count, n * count // prompts, *x.shape[2:])
    return jnp.moveaxis(x.reshape(each), 0, 1).reshape(count * n, *x.shape[2:])
