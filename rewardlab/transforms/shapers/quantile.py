"""Rewards relative to a quantile of reference scores."""

import jax.numpy as jnp

from rewardlab.core.compose import named, per_channel
from rewardlab.core.order import quantile_of_few
from rewardlab.core.types import Reward, RewardTransform, Rollout, SignalName
from rewardlab.transforms.shapers.reference import references


@named
def minus_reference_quantile(
    ref: SignalName, quantile: float = 0.85
) -> RewardTransform:
    """r - the empirical quantile of all references (LSC, arXiv 2402.00742).

    r = 1 and references 0, 2, 4 with quantile = 0.5 -> -1.
    """

    def move(reward: Reward, rollout: Rollout) -> Reward:
        level = quantile_of_few(references(rollout, ref), quantile)
        return reward.map(jnp.subtract, level)

    return per_channel(move)
