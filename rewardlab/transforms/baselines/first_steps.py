"""Statistics of a group's first steps: one a row, however long it is."""

import jax.numpy as jnp

from rewardlab.core import masked
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import Reward, RewardTransform, Rollout, place


@named
def center_by_first_steps(keep_singletons: bool = False) -> RewardTransform:
    """r_k - mean over the group's rows of their first placed reward.

    Rows (1, 5) and (3) -> (-1, 3) and (1).

    Every step is compared with how the rows of its group begin: iStar's released code
    (arXiv 2509.19199). A row alone in its group has no baseline and nothing is placed;
    `keep_singletons` keeps its rewards.
    """

    def center(reward: Reward, rollout: Rollout) -> Reward:
        first = first_placed(reward)
        start = jnp.sum(first.value, axis=1)
        scored = reward.has_value
        low = masked.group_min(jnp.where(scored, start, jnp.inf), rollout)
        rows = masked.sum_over_group(scored.astype(jnp.int32), rollout)
        above = masked.sum_over_group(jnp.where(scored, start - low, 0), rollout)
        mean = masked.safe_divide(above, rows)
        centred = reward.value - low[:, None] - mean[:, None]
        compared = (rows > 1)[:, None]
        if keep_singletons:
            return reward.with_value(jnp.where(compared, centred, reward.value))
        return place(centred, reward.placed & compared)

    return per_channel(center)


def first_placed(reward: Reward) -> Reward:
    """Only the first reward of each row."""
    so_far = jnp.cumsum(reward.placed, axis=1)
    return place(reward.value, reward.placed & (so_far == 1))
