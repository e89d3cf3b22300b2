"""Groups that teach nothing leave their share of the step to the others."""

import jax.numpy as jnp

from rewardlab import masked
from rewardlab.compose import named, per_channel
from rewardlab.types import Reward, RewardTransform, Rollout


@named
def scale_by_informative_groups() -> RewardTransform:
    """A * (number of groups / number of groups in which some A is not 0).

    Put it after the baseline: a group of equal rewards then has advantages of exactly
    0. A mean over the batch stays as large as if no group were lost. RAPO, arXiv
    2509.24107, whose G we read as the number of groups.
    """

    def scale(reward: Reward, rollout: Rollout) -> Reward:
        there = masked.group_sum(reward.has_value.astype(jnp.int32), rollout) > 0
        moved = jnp.any(reward.placed & (reward.value != 0), axis=1)
        good = masked.group_sum(moved.astype(jnp.int32), rollout) > 0
        return reward.with_value(
            masked.divide(reward.value * jnp.sum(there), jnp.sum(good))
        )

    return per_channel(scale)
