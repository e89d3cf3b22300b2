"""A price on length."""

import jax.numpy as jnp

from rewardlab import masked
from rewardlab.compose import named, per_channel
from rewardlab.types import Coefficient, Reward, RewardTransform, Rollout, coefficient


@named
def length_penalty(after: int = 300, rate: Coefficient = 0.01) -> RewardTransform:
    """r - rate * max(n - after, 0) on the last reward of a row with n True tokens.

    Lengths are in tokens, `rate` is reward per token. Defaults are those of PAR's code
    (arXiv 2502.18770), which has it on in every variant but ODIN.
    """

    def penalise(reward: Reward, rollout: Rollout) -> Reward:
        excess = jnp.maximum(jnp.sum(rollout.mask, axis=1) - after, 0)
        cost = coefficient(rate, rollout) * excess
        last = masked.last(reward.placed)
        return reward.with_value(reward.value - jnp.where(last, cost[:, None], 0))

    return per_channel(penalise)
