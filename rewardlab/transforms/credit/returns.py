"""Returns: a token is credited with what comes after it."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked, recursions
from rewardlab.core.compose import named, on_one
from rewardlab.core.types import (
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

    (1, 0, 2) -> (3, 2, 2) with discount = 1.

    Environment tokens take no time: deleting them changes nothing. Without
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

    Two steps of two tokens with r = (1, 2) -> (3, 3, 2, 2) with discount = 1.

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
        return recursions.sum_to_go(x)
    keep = jnp.where(passes, coefficient(discount, rollout), gap)
    return recursions.accumulate(x, keep)
