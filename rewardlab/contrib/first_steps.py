"""Statistics of a group's first steps, one a row."""

import jax.numpy as jnp

from rewardlab.core import edges, masked
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import Reward, RewardTransform, Rollout
from rewardlab.transforms.baselines.first_steps import first_placed


@named
def scale_by_first_steps_std(eps: float = 1e-6) -> RewardTransform:
    """r_k / (std over the group's rows of their first placed reward + eps).

    Rows (1, 5) and (3) -> (0.707, 3.54) and (2.12).

    The variance divides by rows - 1, and is exactly 0 for equal rewards. The std of a
    lone row counts as 1, and so does a std of 0 with eps=0.
    """

    def scale(reward: Reward, rollout: Rollout) -> Reward:
        start = jnp.sum(first_placed(reward).value, axis=1)
        scored = reward.has_value
        rows = masked.sum_over_group(scored.astype(jnp.int32), rollout)
        low = masked.group_min(jnp.where(scored, start, jnp.inf), rollout)
        above = jnp.where(scored, start - low, 0)
        mean = masked.safe_divide(masked.sum_over_group(above, rollout), rows)
        squares = jnp.where(scored, (above - mean) ** 2, 0)
        var = masked.safe_divide(masked.sum_over_group(squares, rollout), rows - 1)
        std = jnp.where(rows > 1, jnp.sqrt(var), 1)
        return reward.with_value(edges.over(reward.value, std[:, None], eps))

    return per_channel(scale)
