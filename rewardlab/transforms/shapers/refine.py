"""Clip and Delta: process rewards whose sum does not grow with the number of steps."""

import jax.numpy as jnp

from rewardlab.core import masked, recursions
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import (
    Coefficient,
    Reward,
    RewardTransform,
    Rollout,
    coefficient,
)


@named
def clip_reward(eta: Coefficient) -> RewardTransform:
    """r = min(r - eta, 0): a step is never better than good enough.

    (0.9, 0.4) with eta = 0.7 -> (0, -0.3).

    Clipping of arXiv 2410.15115; `eta` is chosen so that most steps get 0.
    """

    def clip(reward: Reward, rollout: Rollout) -> Reward:
        limit = coefficient(eta, rollout)
        return reward.map(lambda r: jnp.minimum(r - limit, 0))

    return per_channel(clip)


@named
def delta() -> RewardTransform:
    """r_k = p_k - p_{k+1} for k < K-1, r_{K-1} = p_{K-1}, r_K = 0: this minus the next.

    (0.9, 0.4, 0.7) -> (0.5, 0.4, 0).

    The sum from step k on is p_k, so the whole sum is p_1 and the score of the last
    step is never used. Delta of arXiv 2410.15115.
    """

    def difference(reward: Reward, rollout: Rollout) -> Reward:
        final = masked.last(reward.placed)
        score = jnp.where(final, 0, reward.value)
        carried = recursions.accumulate(score, jnp.where(reward.placed, 0, 1))
        following = jnp.pad(carried, ((0, 0), (0, 1)))[:, 1:]
        return reward.with_value(score - following)

    return per_channel(difference)
