"""A penalty for length."""

import jax.numpy as jnp

from rewardlab.core import masked
from rewardlab.core.compose import named, per_channel
from rewardlab.core.placed import map_last
from rewardlab.core.types import (
    Coefficient,
    Reward,
    RewardTransform,
    Rollout,
    coefficient,
)


@named
def overlong_penalty(
    after: float = 0.8, max_penalty: Coefficient = 1.0
) -> RewardTransform:
    """r - max_penalty * max(n - after T, 0) / (T - after T) on a row's last reward.

    T = 10 and after = 0.8: 8 tokens -> r, 9 -> r - max_penalty / 2, 10 -> r -
    max_penalty.

    n of the T tokens that a completion may have are True. The limit is the rollout's
    width, so the penalty works under any limit. DAPO (arXiv 2503.14476) has 0.8 and 1;
    PAR's code (2502.18770) 0.01 a token beyond 300 of 512, which is max_penalty = 2.12.
    """

    def penalise(reward: Reward, rollout: Rollout) -> Reward:
        limit = rollout.mask.shape[1]
        excess = jnp.maximum(masked.count(rollout.mask) - after * limit, 0)
        cost = coefficient(max_penalty, rollout) * excess / ((1 - after) * limit)
        return map_last(reward, jnp.subtract, cost)

    return per_channel(penalise)
