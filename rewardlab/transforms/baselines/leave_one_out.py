"""From a mean over all rows to a mean over the other rows."""

import jax.numpy as jnp

from rewardlab.core import masked
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import Reward, RewardTransform, Rollout


@named
def scale_to_leave_one_out() -> RewardTransform:
    """r * n / (n - 1) with n the rows of the group that have a reward.

    A centred group of 1/2, -1/2 -> 1, -1.

    For one reward a row, r - mean of all becomes r - mean of the others. Released codes
    also use it where a row has many rewards (PRIME, arXiv 2502.01456; iStar,
    2509.19199); that is not leave-one-out. A row alone in its group stays as it is.
    """

    def scale(reward: Reward, rollout: Rollout) -> Reward:
        scored = reward.has_value.astype(jnp.int32)
        rows, others = (
            f(scored, rollout)
            for f in (masked.sum_over_group, masked.sum_over_other_rows)
        )
        factor = jnp.where(others > 0, masked.safe_divide(1.0 * rows, others), 1)
        return reward.with_value(reward.value * factor[:, None])

    return per_channel(scale)
