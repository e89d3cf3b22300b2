"""Dividing rewards by their spread."""

import jax.numpy as jnp

from rewardlab.core import edges, masked
from rewardlab.core.compose import named
from rewardlab.core.narrow import anywhere
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
        n = masked.of_group(masked.placed_count(reward), rollout)
        score = jnp.where(reward.placed, reward.value, jnp.inf)
        least = masked.group_least(jnp.min(score, axis=1), rollout)[:, None]
        distance = jnp.where(reward.placed, reward.value - least, 0)
        total = masked.of_group(reward.add_up(distance), rollout)
        squares = reward.add_up((distance - masked.divide(total, n)[:, None]) ** 2)
        var = masked.divide(masked.of_group(squares, rollout), n - ddof)
        std = jnp.sqrt(jnp.maximum(var, var_floor) + var_eps)
        std = jnp.where((n > ddof) & (std + eps > 0), std + eps, 1 + eps)
        return reward.with_value(reward.value / std[:, None])

    return anywhere(scale)


@named
def scale_by_batch_std(eps: float = 1e-4, ddof: int = 1) -> RewardTransform:
    """r / (std of all placed rewards of the batch + eps) (TRL, scale_rewards="batch").

    Put it before `center_by_group`: TRL's std is that of the rewards, not of the
    advantages. A batch with no more than `ddof` rewards is left as it is, and so is one
    without a spread with eps=0.
    """

    def scale(reward: Reward, rollout: Rollout) -> Reward:
        var = masked.variance(reward.value, reward.placed, ddof, reward.times)
        many = jnp.sum(reward.placed * reward.times) > ddof
        scaled = edges.over(reward.value, jnp.sqrt(var), eps)
        return reward.with_value(jnp.where(many, scaled, reward.value))

    return anywhere(scale)
