"""Baselines: subtract a number that does not depend on the action."""

import jax.numpy as jnp

from rewardlab.core import masked
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import Reward, RewardTransform, Rollout


@named
def center_by_group(
    leave_one_out: bool = False,
    keep_singletons: bool = False,
    zero_singletons: bool = False,
) -> RewardTransform:
    """r - mean of the group's placed rewards (GRPO, arXiv 2402.03300).

    A group of 1, 0, 0, 1 -> 1/2, -1/2, -1/2, 1/2.

    With one reward a row it is the mean over the group's rows; with several (steps,
    tokens) each reward counts once. `leave_one_out` takes the mean over the other rows
    (RLOO, arXiv 2402.14740). A reward with nothing to compare with has no baseline and
    is removed; `keep_singletons` leaves it as it is (verl), and `zero_singletons` makes
    it 0, a reward like others (GPG, arXiv 2504.02546).

    The mean is that of distances to the group's smallest reward: equal rewards give
    exactly 0 in any float type.
    """

    def center(reward: Reward, rollout: Rollout) -> Reward:
        distance = reward.map(jnp.subtract, masked.group_min(reward.smallest, rollout))
        over = masked.sum_over_other_rows if leave_one_out else masked.sum_over_group
        n = over(reward.count, rollout)
        baseline = masked.safe_divide(over(distance.total, rollout), n)
        compared = n > (0 if leave_one_out else 1)
        centred = distance.map(jnp.subtract, baseline)
        if keep_singletons:
            choose = lambda r, c, compared: jnp.where(compared, c, r)  # noqa: E731
            return reward.map(choose, centred, compared)
        if zero_singletons:
            return centred.map(lambda c, compared: jnp.where(compared, c, 0), compared)
        return centred.keep(compared)

    return per_channel(center)
