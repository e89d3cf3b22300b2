"""What the policy found likely is paid less."""

from rewardlab.core import masked, order
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import (
    Coefficient,
    Reward,
    RewardTransform,
    Rollout,
    coefficient,
)


@named
def unlikeliness(beta: Coefficient = 0.25, first_rank: int = 0) -> RewardTransform:
    """r * (1 - beta k / n), k the rank of the row's mean log-probability in its group.

    Two rows with r = 1, the second likelier -> 1, 0.875 (beta = 0.25).

    k counts the scored rows of the group that were less likely, plus `first_rank`; ties
    share their mean rank; n counts scored rows. The released code has first_rank=0; the
    paper has 1, which subtracts another beta / n from every row. (Rewarding the
    Unlikely, arXiv 2506.02355)
    """

    def discount(reward: Reward, rollout: Rollout) -> Reward:
        scored = reward.has_value
        likely = masked.row_mean(rollout.logp, rollout.mask)
        rank = order.group_rank(likely, scored, rollout) + first_rank
        rows = masked.sum_over_group(scored.astype(likely.dtype), rollout)
        share = coefficient(beta, rollout) * masked.safe_divide(rank, rows)
        return reward.map(lambda r, share: r * (1 - share), share)

    return per_channel(discount)
