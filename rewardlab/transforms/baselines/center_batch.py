"""The batch as its own baseline."""

from rewardlab.core import masked
from rewardlab.core.compose import named
from rewardlab.core.narrow import anywhere
from rewardlab.core.types import Reward, RewardTransform, Rollout


@named
def center_by_batch() -> RewardTransform:
    """r - mean of all placed rewards of the batch; a lone reward gives 0.

    The mean is taken of distances to the least, so equal rewards give exactly 0.
    """

    def center(reward: Reward, rollout: Rollout) -> Reward:
        distance = reward.value - masked.least(reward.value, reward.placed)
        mean = masked.mean(distance, reward.placed, reward.times)
        return reward.with_value(distance - mean)

    return anywhere(center)
