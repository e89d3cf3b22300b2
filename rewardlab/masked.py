"""Sums and means under masks, steps and groups: the only divisions by a count.

Selection is by `where`, so NaN outside a mask never leaks; a count is guarded with
`maximum(n, 1)`, so an empty mean is 0.
"""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from rewardlab.types import Reward, Rollout, Sum


def total(x: Float[Array, "N T"], mask: Bool[Array, "N T"]) -> Float[Array, " N"]:
    """The sum of each row over its True entries."""
    return jnp.sum(jnp.where(mask, x, 0), axis=-1)


def row_mean(x: Float[Array, "N T"], mask: Bool[Array, "N T"]) -> Float[Array, " N"]:
    """The mean of each row over its True entries; an empty row gives 0."""
    return total(x, mask) / jnp.maximum(jnp.sum(mask, axis=-1), 1)


def sum_of(x: Float[Array, "..."], mask: Bool[Array, "..."]) -> Sum:
    """The True entries of `x` as a `Sum`."""
    value = jnp.sum(jnp.where(mask, x, 0))
    return Sum(value, jnp.sum(mask).astype(value.dtype))


def mean(x: Float[Array, "..."], mask: Bool[Array, "..."]) -> Float[Array, ""]:
    """The mean over the True entries; 0 if there are none."""
    return sum_of(x, mask).mean()


def last(mask: Bool[Array, "N T"]) -> Bool[Array, "N T"]:
    """True on the last True token of each row; an empty row has none."""
    width = mask.shape[-1]
    position = width - 1 - jnp.argmax(mask[..., ::-1], axis=-1)
    return mask & (jnp.arange(width) == position[..., None])


def step_ends(rollout: Rollout) -> Bool[Array, "N T"]:
    """True on the last True token of each step.

    Steps are runs of equal `rollout.step`; a step without a True token has no end.
    """
    n, width = rollout.mask.shape
    here = jnp.where(rollout.mask, jnp.arange(width), width)
    following = lax.cummin(here, axis=1, reverse=True)
    after = jnp.concatenate([following[:, 1:], jnp.full((n, 1), width)], axis=1)
    step = jnp.concatenate([rollout.step, jnp.full((n, 1), -2)], axis=1)
    return rollout.mask & (jnp.take_along_axis(step, after, axis=1) != rollout.step)


def group_sum(x: Float[Array, " N"], rollout: Rollout) -> Float[Array, " B"]:
    """The sum of a per-row number over the rows of each prompt."""
    return jax.ops.segment_sum(x, rollout.group, rollout.prompts.shape[0])


def group_min(x: Float[Array, " N"], rollout: Rollout) -> Float[Array, " B"]:
    """The least of a per-row number over the rows of each prompt; +inf if it has none."""
    return jax.ops.segment_min(x, rollout.group, rollout.prompts.shape[0])


def group_mean(
    total_: Float[Array, " N"], count: Int[Array, " N"], rollout: Rollout
) -> Float[Array, " N"]:
    """sum of `total_` / sum of `count` over each row's group, given back per row."""
    sums = group_sum(total_, rollout)
    counts = group_sum(count, rollout)
    return (sums / jnp.maximum(counts, 1))[rollout.group]


def placed_count(reward: Reward) -> Int[Array, " N"]:
    """How many rewards stand in each row."""
    return jnp.sum(reward.placed, axis=1)
