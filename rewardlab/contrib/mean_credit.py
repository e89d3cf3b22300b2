"""Every step has the same weight."""

from rewardlab.core import masked
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import (
    Reward,
    RewardTransform,
    Rollout,
)


@named
def mean_credit() -> RewardTransform:
    """r_k = s_k / K: every step has the same weight, so the row's total is the mean.

    (1, 0) -> (1/2, 0).
    """

    def weigh(reward: Reward, rollout: Rollout) -> Reward:
        return reward.map(masked.safe_divide, reward.count)

    return per_channel(weigh)
