"""A distance becomes a reward in (-1, 1] (Lucy-SKG, arXiv 2305.15801)."""

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
def signed_proximity(
    scale: Coefficient, dispersion: Coefficient = 1.0, density: Coefficient = 1.0
) -> RewardTransform:
    """sgn(s) |s|^(1/density), s = 2 exp(-d / (2 scale dispersion)) - 1: in (-1, 1].

    d = 0, 2 with scale = 1 -> 1, -0.264.

    It is 0 at the distance 2 ln 2 * scale * dispersion, and negative beyond it.
    """

    def decay(reward: Reward, rollout: Rollout) -> Reward:
        reach = coefficient(scale, rollout) * coefficient(dispersion, rollout)
        power = 1 / coefficient(density, rollout)
        s = reward.map(lambda d: 2 * jnp.exp(-0.5 * d / reach) - 1)
        return s.map(lambda s: jnp.sign(s) * jnp.abs(s) ** power)

    return per_channel(decay)
