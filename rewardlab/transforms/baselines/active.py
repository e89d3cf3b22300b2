"""Rescaling that makes up for rows and groups without a gradient."""

import jax.numpy as jnp

from rewardlab.core import masked
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import Reward, RewardTransform, Rollout


@named
def scale_by_active_rows() -> RewardTransform:
    """r * n / n_active: n rows have a reward, and n_active of them a total other than
    0.

    Totals 1, 0, 0, 1 -> 2, 0, 0, 2.

    Before `center_by_group` it reads raw rewards, as verl's GPG does. If no row is
    active there is nothing to scale. (GPG, arXiv 2504.02546)
    """

    def scale(reward: Reward, rollout: Rollout) -> Reward:
        active = reward.total != 0
        share = masked.safe_divide(jnp.sum(reward.has_value), jnp.sum(active))
        return reward.map(lambda r: r * share)

    return per_channel(scale)


@named
def scale_by_active_groups() -> RewardTransform:
    """r * B / B_active: B groups have a reward, and B_active of them one other than 0.

    Centred groups (1/2, -1/2) and (0, 0) -> (1, -1) and (0, 0).

    After `center_by_group` it makes up for groups of equal rewards: the mean over a
    batch does not shrink with them. (GPG, arXiv 2504.02546)
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
