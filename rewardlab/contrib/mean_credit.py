"""Every step weighs the same."""

from rewardlab.core import masked
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import (
    Reward,
    RewardTransform,
    Rollout,
)


@named
def mean_credit() -> RewardTransform:
    """r_k = s_k / K: every step weighs the same, so the row's total is the mean."""

    def weigh(reward: Reward, rollout: Rollout) -> Reward:
        return reward.map(masked.safe_divide, reward.count)

    return per_channel(weigh)
