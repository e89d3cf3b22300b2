"""Credit of what came before: a token has all that was earned up to it."""

from rewardlab.core import recursions
from rewardlab.core.compose import named, on_one
from rewardlab.core.types import Reward, RewardTransform, Rollout, place


@named
def accumulate() -> RewardTransform:
    """C_t = r_t + C_{t-1} over the True tokens of a row.

    (1, 0, 2) -> (1, 1, 3).

    The sum so far, where `returns_to_go` has the sum still to come. Environment tokens
    have none and change nothing. (SPRO's cumulative process reward, arXiv 2507.01551)
    """

    def add_up(reward: Reward, rollout: Rollout) -> Reward:
        total = recursions.sum_to_go(reward.value[:, ::-1])[:, ::-1]
        return place(total, rollout.mask & reward.has_value[:, None])

    return on_one(add_up)
