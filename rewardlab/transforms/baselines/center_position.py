"""A baseline for every token position."""

import jax.numpy as jnp

from rewardlab import masked
from rewardlab.compose import named, per_channel
from rewardlab.types import Reward, RewardTransform, Rollout, place


@named
def center_by_group_position() -> RewardTransform:
    """r_t - mean over the group's rows of their reward in the same column t.

    A row without a reward in the column counts as 0, so rows that have ended pull the
    baseline of later columns towards 0 and different turns are compared: this is the
    first release of IGPO (arXiv 2510.14967), not its paper. A group with one row has
    no baseline and nothing is placed.
    """

    def center(reward: Reward, rollout: Rollout) -> Reward:
        scored = reward.has_value[:, None]
        value = jnp.where(scored, reward.value, jnp.inf)
        least = masked.group_least(value, rollout)
        distance = jnp.where(scored, reward.value - least, 0)
        rows = masked.of_group(reward.has_value.astype(jnp.int32), rollout)[:, None]
        baseline = masked.divide(masked.of_group(distance, rollout), rows)
        return place(distance - baseline, reward.placed & (rows > 1))

    return per_channel(center)
