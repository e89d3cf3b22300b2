"""One number a step, where it ends."""

from rewardlab.core import masked
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import Reward, RewardTransform, Rollout


@named
def only_step_ends() -> RewardTransform:
    """Keeps the rewards on the last True token of each step and removes the others.

    Two steps of two tokens with (3, 3, 1, 1) -> (none, 3, none, 1).

    A baseline after it counts a step once, however long it is.
    """

    def keep(reward: Reward, rollout: Rollout) -> Reward:
        return reward.keep(masked.step_ends(rollout))

    return per_channel(keep)
