"""Bounds and thresholds of one number."""

import jax.numpy as jnp

from rewardlab.core.compose import named
from rewardlab.core.narrow import anywhere
from rewardlab.core.types import (
    Coefficient,
    Reward,
    RewardTransform,
    Rollout,
    coefficient,
)


@named
def floor(bottom: Coefficient = 0.0) -> RewardTransform:
    """max(r, bottom)."""

    def raise_(reward: Reward, rollout: Rollout) -> Reward:
        limit = coefficient(bottom, rollout)
        return reward.with_value(jnp.maximum(reward.value, limit))

    return anywhere(raise_)


@named
def at_least(threshold: Coefficient) -> RewardTransform:
    """1 where r >= threshold, else 0: a score becomes a verdict."""

    def judge(reward: Reward, rollout: Rollout) -> Reward:
        passed = reward.value >= coefficient(threshold, rollout)
        return reward.with_value(passed.astype(reward.value.dtype))

    return anywhere(judge)
