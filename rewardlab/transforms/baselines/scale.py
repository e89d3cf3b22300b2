"""Dividing rewards by their spread."""

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

    var is that of the group's placed rewards, about their mean, over n - ddof; of equal
    rewards it is exactly 0. A group with no more than `ddof` rewards has no spread: its
    std counts as 1, as one of 0 does with eps=0. Defaults are verl's and Tunix's; TRL
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

    Put it before `center_by_group`: TRL's std is that of the rewards, not of the
    advantages. A batch with no more than `ddof` rewards is left as it is, and so is one
    without a spread with eps=0.
    """

    def scale(reward: Reward, rollout: Rollout) -> Reward:
        std = jnp.sqrt(batch_variance(reward, ddof))
        many = jnp.sum(reward.count) > ddof
        return reward.map(lambda r: jnp.where(many, edges.over(r, std, eps), r))

    return per_channel(scale)
