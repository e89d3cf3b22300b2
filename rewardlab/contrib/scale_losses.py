"""Losses weigh more or less than gains."""

import jax.numpy as jnp

from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import (
    Coefficient,
    Reward,
    RewardTransform,
    Rollout,
    coefficient,
)


@named
def scale_losses(slope: Coefficient) -> RewardTransform:
    """r where r >= 0 and slope * r where r < 0.

    (0.3, -0.5) with slope = 0.5 -> (0.3, -0.25).

    After `potential_shaping` with slope < 1 a step back costs less than the step
    forward paid: a loop earns reward, and the optimal policy changes (`diff_potential`
    of RLGym).
    """

    def scale(reward: Reward, rollout: Rollout) -> Reward:
        kept = jnp.where(reward.value < 0, coefficient(slope, rollout), 1)
        return reward.with_value(kept * reward.value)

    return per_channel(scale)
