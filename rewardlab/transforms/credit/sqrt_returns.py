"""Returns of steps, whose size does not grow with the steps that are left."""

import jax.numpy as jnp

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
def sqrt_step_returns_to_go(discount: Coefficient = 1.0) -> RewardTransform:
    """A_k = sum_{j>=k} discount^(j-k) r_j / sqrt(n_k), n_k the rewards from step k on.

    Two steps of two tokens with r = (1, 2) -> (2.12, 2.12, 2, 2) with discount = 1.

    As `step_returns_to_go`, of one size however many steps are left, where rewards are
    of mean 0 and independent. (A2TGPO, arXiv 2605.06200)
    """

    def accumulate(reward: Reward, rollout: Rollout) -> Reward:
        ends = masked.step_ends(rollout)
        keep = jnp.where(ends, coefficient(discount, rollout), 1.0)
        value = recursions.accumulate(reward.value, keep)
        left = recursions.sum_to_go(1.0 * reward.placed)
        value = value / jnp.sqrt(jnp.where(left > 0, left, 1))
        value = jnp.take_along_axis(value, masked.step_starts(rollout), axis=1)
        return place(value, rollout.mask & reward.has_value[:, None])

    return on_one(accumulate)
