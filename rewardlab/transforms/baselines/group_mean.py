"""Divide rewards by their group's mean."""

import jax.numpy as jnp

from rewardlab.core import masked
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import (
    Coefficient,
    Reward,
    RewardTransform,
    Rollout,
    coefficient,
)


@named
def scale_by_group_mean(eps: Coefficient = 1e-6) -> RewardTransform:
    """r / (mean of the group's placed rewards + eps), 0 where that mean is not above 0.

    A group of 1, 0, 0, 0 -> 4, 0, 0, 0, up to eps.

    Put it before `center_by_group`: of G binary rewards with k right, right rows then
    get (G - k) / k and wrong ones -1, so rare successes weigh most. With one reward a
    row the mean is over the group's rows, else each reward counts once. A reward that
    has nothing to be compared with becomes 0. (MaxRL, arXiv 2602.02710, whose code
    gives a row alone r / eps and turns the sign over where the mean is negative)
    """

    def scale(reward: Reward, rollout: Rollout) -> Reward:
        n = masked.sum_over_group(reward.count, rollout)
        total = masked.sum_over_group(reward.total, rollout)
        mean = masked.safe_divide(total, n)
        usable = (mean > 0) & (n > 1)
        divisor = jnp.where(usable, mean + coefficient(eps, rollout), 1)
        return reward.map(lambda r, m, u: jnp.where(u, r / m, 0), divisor, usable)

    return per_channel(scale)
