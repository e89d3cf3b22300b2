"""A baseline for every token position, of the rows that have one there."""

import jax.numpy as jnp

from rewardlab.core import masked
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import Reward, RewardTransform, Rollout, place


@named
def center_by_group_column() -> RewardTransform:
    """r_t - mean over the group's rows that have a reward in the same column t.

    Rows (4, 2) and (2, no token) -> (1, none) and (-1, none).

    A row that has ended counts in no later column, where `center_by_group_position`
    counts it as 0. A reward that stands alone in its column has nothing to be compared
    with and is removed. (SPRO's masked step advantage, arXiv 2507.01551)
    """

    def center(reward: Reward, rollout: Rollout) -> Reward:
        placed, rows = reward.placed, reward.placed.astype(jnp.int32)
        least = masked.group_min(jnp.where(placed, reward.value, jnp.inf), rollout)
        distance = jnp.where(placed, reward.value - least, 0)
        n = masked.sum_over_group(rows, rollout)
        mean = masked.safe_divide(masked.sum_over_group(distance, rollout), n)
        return place(distance - mean, placed & (n > 1))

    return per_channel(center)
