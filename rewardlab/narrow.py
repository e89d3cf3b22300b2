"""Words that do not look at where in a row a reward stands."""

from collections.abc import Callable

from rewardlab.compose import per_channel
from rewardlab.types import Reward, RewardTransform, Rollout, widen


def anywhere(f: Callable[[Reward, Rollout], Reward]) -> RewardTransform:
    """As `per_channel`, for a function that does not look at where rewards stand.

    It sees [N, 1] arrays where a row has at most one reward, and places none anew.
    """

    def either(reward: Reward, rollout: Rollout) -> Reward:
        if reward.narrow is None:
            return f(reward, rollout)
        return widen(f(reward.narrow, rollout), reward.placed)

    return per_channel(either)
