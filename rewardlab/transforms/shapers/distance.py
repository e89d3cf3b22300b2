"""A distance becomes a reward that is 1 at the goal (Lucy-SKG, arXiv 2305.15801)."""

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
def proximity(
    scale: Coefficient, dispersion: Coefficient = 1.0, density: Coefficient = 1.0
) -> RewardTransform:
    """exp(-d / (2 scale dispersion))^(1/density): 1 at distance 0, towards 0 far away.

    d = 0, 2 with scale = 1 -> 1, 0.368.

    The channel holds the distance d, in the unit of `scale`; below 0 (a radius was
    subtracted) the reward exceeds 1. A larger dispersion reaches farther; a larger
    density is flatter near 1.
    """

    def decay(reward: Reward, rollout: Rollout) -> Reward:
        reach, width, flat = (
            coefficient(c, rollout) for c in (scale, dispersion, density)
        )
        return reward.map(lambda d: jnp.exp(-0.5 * d / (reach * width * flat)))

    return per_channel(decay)
