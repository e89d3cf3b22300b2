"""A threshold for one number."""

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
def indicator_ge(threshold: Coefficient) -> RewardTransform:
    """1 where r >= threshold, else 0: a score becomes a verdict.

    (0.2, 0.5, 0.9) with threshold 0.5 -> (0, 1, 1).
    """

    def judge(reward: Reward, rollout: Rollout) -> Reward:
        limit = coefficient(threshold, rollout)
        return reward.map(lambda r: jnp.where(r >= limit, 1.0, 0.0).astype(r.dtype))

    return per_channel(judge)
