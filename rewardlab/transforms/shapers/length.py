"""A price on length."""

import math

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
def length_penalty(
    after: int = 300, rate: Coefficient = 0.01, max_penalty: float = math.inf
) -> RewardTransform:
    """r - min(rate * max(n - after, 0), max_penalty) on the last reward of a row.

    n counts the row's True tokens, `rate` is reward per token. Defaults are those of
    PAR's code (arXiv 2502.18770), which has it on in every variant but ODIN. DAPO's is
    `overlong_penalty`.
    """

    def penalise(reward: Reward, rollout: Rollout) -> Reward:
        excess = jnp.maximum(masked.count(rollout.mask) - after, 0)
        cost = jnp.minimum(coefficient(rate, rollout) * excess, max_penalty)
        return map_last(reward, jnp.subtract, cost)

    return per_channel(penalise)


@named
def overlong_penalty(
    after: float = 0.8, max_penalty: Coefficient = 1.0
) -> RewardTransform:
    """r - max_penalty * max(n - after T, 0) / (T - after T) on a row's last reward.

    n of the T tokens that a completion may have are True: with T = 10 and after = 0.8,
    8 tokens cost nothing and 10 cost `max_penalty`. The limit is the rollout's width,
    so the penalty acts under any limit. DAPO (arXiv 2503.14476) has 0.8 and 1; PAR's
    code (2502.18770) 0.01 a token beyond 300 of 512, max_penalty = 2.12 at the limit.
    """

    def penalise(reward: Reward, rollout: Rollout) -> Reward:
        limit = rollout.mask.shape[1]
        excess = jnp.maximum(masked.count(rollout.mask) - after * limit, 0)
        cost = coefficient(max_penalty, rollout) * excess / ((1 - after) * limit)
        return map_last(reward, jnp.subtract, cost)

    return per_channel(penalise)
