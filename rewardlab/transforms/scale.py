"""Dividing rewards by their spread."""

import jax.numpy as jnp

from rewardlab import masked
from rewardlab.compose import named, per_channel
from rewardlab.types import Reward, RewardTransform, Rollout


@named
def scale_by_group_std(
    eps: float = 1e-6, ddof: int = 1, var_floor: float = 0.0
) -> RewardTransform:
    """r / (std of the group's placed rewards + eps) (GRPO, arXiv 2402.03300).

    The variance divides by n - ddof and is at least `var_floor`. A group with no more
    than `ddof` rewards has no spread: its std is taken as 1. Defaults are verl's; TRL
    has eps=1e-4. Deviations are from the group's mean, whatever was taken off before.
    """

    def scale(reward: Reward, rollout: Rollout) -> Reward:
        counts = masked.placed_count(reward)
        mean = masked.group_mean(jnp.sum(reward.value, axis=1), counts, rollout)
        squares = jnp.where(reward.placed, (reward.value - mean[:, None]) ** 2, 0)
        n = masked.group_sum(counts, rollout)
        var = masked.group_sum(jnp.sum(squares, axis=1), rollout)
        std = jnp.sqrt(jnp.maximum(var / jnp.maximum(n - ddof, 1), var_floor))
        std = jnp.where(n > ddof, std, 1)[rollout.group]
        return reward.with_value(reward.value / (std + eps)[:, None])

    return per_channel(scale)
