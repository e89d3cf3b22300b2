"""Credit: which tokens get what comes after them."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from rewardlab import masked
from rewardlab.compose import named, on_one
from rewardlab.types import (
    Coefficient,
    Reward,
    RewardTransform,
    Rollout,
    coefficient,
    place,
)


@named
def returns_to_go(
    discount: Coefficient = 1.0, across_gaps: bool = True
) -> RewardTransform:
    """G_t = r_t + discount * G_{t+1} over the True tokens of a row.

    Environment tokens take no time: they can be deleted and nothing changes. Without
    `across_gaps` they end the episode for the tokens before them, as in verl.
    """

    def accumulate(reward: Reward, rollout: Rollout) -> Reward:
        gap = 1.0 if across_gaps else 0.0
        value = _to_go(reward.value, rollout.mask, discount, rollout, gap)
        return place(value, rollout.mask & reward.has_value[:, None])

    return on_one(accumulate)


@named
def step_returns_to_go(discount: Coefficient = 1.0) -> RewardTransform:
    """A_k = r_k + discount * A_{k+1} over steps; every True token of step k gets A_k.

    r_k is the sum of the rewards inside the step: time passes between steps (turns),
    not within them. (IGPO, arXiv 2510.14967, eq. 7)
    """

    def accumulate(reward: Reward, rollout: Rollout) -> Reward:
        ends = masked.step_ends(rollout)
        value = _to_go(reward.value, ends, discount, rollout)
        value = jnp.take_along_axis(value, masked.step_starts(rollout), axis=1)
        return place(value, rollout.mask & reward.has_value[:, None])

    return on_one(accumulate)


def _to_go(
    x: Float[Array, "N T"],
    passes: Bool[Array, "N T"],
    discount: Coefficient,
    rollout: Rollout,
    gap: float = 1.0,
) -> Float[Array, "N T"]:
    """y_t = x_t + keep * y_{t+1}; keep is `discount` where time passes, else `gap`."""
    if isinstance(discount, int | float) and discount == gap == 1:
        return _sum_to_go(x)
    keep = jnp.where(passes, coefficient(discount, rollout), gap)
    return masked.accumulate(x, keep)


def _sum_to_go(x: Float[Array, "N T"]) -> Float[Array, "N T"]:
    """y_t = x_t + y_{t+1}: blocks of tokens times a triangle of ones, not a loop."""
    rows, width = x.shape
    size = max(min(64, width), 1)  # tokens of a block
    blocks = jnp.pad(x, ((0, 0), (0, -width % size)))
    blocks = blocks.reshape(rows, -(-width // size), size)
    triangle = jnp.tril(jnp.ones((size, size), x.dtype))
    inside = jnp.matmul(blocks, triangle, precision=lax.Precision.HIGHEST)
    if width > size:
        later = _sum_to_go(inside[:, :, 0])[:, 1:]
        inside += jnp.pad(later, ((0, 0), (0, 1)))[:, :, None]
    return lax.collapse(inside, 1)[:, :width]
