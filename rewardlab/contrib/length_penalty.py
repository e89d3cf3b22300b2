"""A penalty for tokens beyond a number."""

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

    r = 1 and n = 310 with the defaults -> 0.9.

    n counts the row's True tokens; `rate` is reward per token. Defaults are those of
    PAR's code (arXiv 2502.18770), which uses it in every variant but ODIN. DAPO's is
    `overlong_penalty`.
    """

    def penalise(reward: Reward, rollout: Rollout) -> Reward:
        excess = jnp.maximum(masked.count(rollout.mask) - after, 0)
        cost = jnp.minimum(coefficient(rate, rollout) * excess, max_penalty)
        return map_last(reward, jnp.subtract, cost)

    return per_channel(penalise)
