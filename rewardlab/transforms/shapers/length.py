"""A price on length."""

import math

import jax.numpy as jnp

from rewardlab import masked
from rewardlab.compose import named
from rewardlab.narrow import on_outcomes
from rewardlab.types import Coefficient, Reward, RewardTransform, Rollout, coefficient


@named
def length_penalty(
    after: int = 300, rate: Coefficient = 0.01, most: float = math.inf
) -> RewardTransform:
    """r - min(rate * max(n - after, 0), most) on the last reward of a row of n tokens.

    n counts True tokens, `rate` is reward per token. Defaults are those of PAR's code
    (arXiv 2502.18770), which has it on in every variant but ODIN. DAPO's overlong
    penalty (arXiv 2503.14476) has after = L_max - L_buffer, rate = factor / L_buffer
    and most = factor.
    """

    def penalise(reward: Reward, rollout: Rollout) -> Reward:
        excess = jnp.maximum(masked.count(rollout.mask) - after, 0)
        cost = jnp.minimum(coefficient(rate, rollout) * excess, most)
        last = masked.last(reward.placed)
        return reward.with_value(reward.value - jnp.where(last, cost[:, None], 0))

    return on_outcomes(penalise)
