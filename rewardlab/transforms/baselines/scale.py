"""Divide rewards by their standard deviation."""

import jax.numpy as jnp

from rewardlab.core import edges, masked
from rewardlab.core.compose import named, per_channel
from rewardlab.core.placed import batch_variance
from rewardlab.core.types import Reward, RewardTransform, Rollout


@named
def scale_by_group_std(
    eps: float = 1e-6, ddof: int = 1, var_eps: float = 0.0, var_floor: float = 0.0
) -> RewardTransform:
    """r / (sqrt(max(var, var_floor) + var_eps) + eps) (GRPO, arXiv 2402.03300).

    A group of 1/2, -1/2, whose std is 0.707 -> 0.707, -0.707.

    var is the variance of the group's placed rewards about their mean, over n - ddof;
    for equal rewards it is exactly 0. In a group with at most `ddof` rewards the std
    counts as 1, and so does a std of 0 with eps=0. Defaults are verl's and Tunix's; TRL
    has eps=1e-4, verl's vectorised form var_floor=1e-6, and IGPO ddof=0, var_eps=1e-8.
    """

    def scale(reward: Reward, rollout: Rollout) -> Reward:
        n = masked.sum_over_group(reward.count, rollout)
        least = masked.group_min(reward.smallest, rollout)
        distance = reward.map(jnp.subtract, least)
        mean = masked.safe_divide(masked.sum_over_group(distance.total, rollout), n)
        squares = distance.map(lambda d, mean: (d - mean) ** 2, mean)
        var = masked.safe_divide(
            masked.sum_over_group(squares.total, rollout), n - ddof
        )
        std = jnp.sqrt(jnp.maximum(var, var_floor) + var_eps)
        std = jnp.where((n > ddof) & (std + eps > 0), std + eps, 1 + eps)
        return reward.map(jnp.divide, std)

    return per_channel(scale)


@named
def scale_by_batch_std(eps: float = 1e-4, ddof: int = 1) -> RewardTransform:
    """r / (std of all placed rewards of the batch + eps) (TRL, scale_rewards="batch").

    A batch of 1, 0, whose std is 0.707 -> 1.414, 0.

    Put it before `center_by_group`: TRL's std is that of the rewards, not of the
    advantages. A batch with at most `ddof` rewards stays as it is, and so do equal
    rewards with eps=0.
    """

    def scale(reward: Reward, rollout: Rollout) -> Reward:
        std = jnp.sqrt(batch_variance(reward, ddof))
        many = jnp.sum(reward.count) > ddof
        return reward.map(lambda r: jnp.where(many, edges.over(r, std, eps), r))

    return per_channel(scale)
