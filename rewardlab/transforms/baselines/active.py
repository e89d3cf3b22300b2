"""What teaches nothing is made up for by what does."""

import jax.numpy as jnp

from rewardlab.core import masked
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import Reward, RewardTransform, Rollout


@named
def scale_by_active_rows() -> RewardTransform:
    """r * n / n_active: scored rows of the batch, and those whose total is not 0.

    Put before `center_by_group` it reads raw rewards, as verl's GPG does; with none
    active the factor is n, and nothing is left to scale. (GPG, arXiv 2504.02546)
    """

    def scale(reward: Reward, rollout: Rollout) -> Reward:
        active = reward.total != 0
        share = masked.safe_divide(jnp.sum(reward.has_value), jnp.sum(active))
        return reward.map(lambda r: r * share)

    return per_channel(scale)


@named
def scale_by_active_groups() -> RewardTransform:
    """r * B / B_active: groups with a scored row, and those with any reward not 0.

    Put after `center_by_group` it makes up for groups whose rewards are all equal, so
    that the mean over a batch does not shrink with them. (GPG, arXiv 2504.02546)
    """

    def scale(reward: Reward, rollout: Rollout) -> Reward:
        rows = reward.has_value.astype(jnp.int32)
        active = reward.map(lambda r: jnp.where(r != 0, 1, 0)).total > 0
        groups = jnp.sum(masked.group_sum(rows, rollout) > 0)
        share = masked.safe_divide(
            groups, jnp.sum(masked.group_sum(active.astype(jnp.int32), rollout) > 0)
        )
        return reward.map(lambda r: r * share)

    return per_channel(scale)
