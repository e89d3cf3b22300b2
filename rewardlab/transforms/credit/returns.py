"""Credit: which tokens get what comes after them."""

import jax.numpy as jnp
from jax import lax

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
        keep = jnp.where(rollout.mask, coefficient(discount, rollout), gap)
        value = masked.accumulate(reward.value, keep)
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
        keep = jnp.where(ends, coefficient(discount, rollout), 1.0)
        value = masked.accumulate(reward.value, keep)
        value = jnp.take_along_axis(value, masked.step_starts(rollout), axis=1)
        return place(value, rollout.mask & reward.has_value[:, None])

    return on_one(accumulate)


@named
def min_to_go() -> RewardTransform:
    """V_t = the least reward from token t on; 0 after the last reward.

    The value of a chain that is as good as its worst step. (PURE, arXiv 2504.15275)
    """

    def accumulate(reward: Reward, rollout: Rollout) -> Reward:
        score = jnp.where(reward.placed, reward.value, jnp.inf)
        least = lax.cummin(score, axis=1, reverse=True)
        value = jnp.where(masked.up_to_last(reward.placed), least, 0)
        return place(value, rollout.mask & reward.has_value[:, None])

    return on_one(accumulate)
