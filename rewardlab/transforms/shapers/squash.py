"""Bounded or saturating functions of one number."""

import jax
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
def cap(ceiling: Coefficient) -> RewardTransform:
    """min(r, ceiling).

    (0.5, 3) with ceiling = 1 -> (0.5, 1).
    """

    def lower(reward: Reward, rollout: Rollout) -> Reward:
        limit = coefficient(ceiling, rollout)
        return reward.map(lambda r: jnp.minimum(r, limit))

    return per_channel(lower)


@named
def floor(bottom: Coefficient = 0.0) -> RewardTransform:
    """max(r, bottom).

    (-2, 0.5) with bottom = 0 -> (0, 0.5).
    """

    def raise_(reward: Reward, rollout: Rollout) -> Reward:
        limit = coefficient(bottom, rollout)
        return reward.map(lambda r: jnp.maximum(r, limit))

    return per_channel(raise_)


@named
def sigmoid(k: Coefficient = 1.0, at: Coefficient = 0.0) -> RewardTransform:
    """1 / (1 + exp(-k (r - at))): slope k/4 at `at`, in (0, 1).

    (-1, 0, 1) -> (0.269, 0.5, 0.731).
    """

    def squash(reward: Reward, rollout: Rollout) -> Reward:
        middle, slope = coefficient(at, rollout), coefficient(k, rollout)
        return reward.map(lambda r: jax.nn.sigmoid(slope * (r - middle)))

    return per_channel(squash)


@named
def log_sigmoid() -> RewardTransform:
    """log(1 / (1 + exp(-r))): below 0, slope 1 far below, flat far above.

    (-10, 0, 10) -> (-10, -0.693, 0).

    The log-probability of "good"; summed over channels, of "all good" (LSC, arXiv
    2402.00742).
    """
    return per_channel(lambda r, rollout: r.map(jax.nn.log_sigmoid))
