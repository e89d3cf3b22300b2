"""A row's rewards as one outcome."""

import jax.numpy as jnp

from rewardlab import masked
from rewardlab.compose import named, per_channel
from rewardlab.types import Reward, RewardTransform, Rollout, place


@named
def episode_return() -> RewardTransform:
    """The row's total, on its last True token: steps and tokens become one outcome."""

    def gather(reward: Reward, rollout: Rollout) -> Reward:
        row = jnp.sum(reward.value, axis=1, keepdims=True)
        where = masked.last(rollout.mask) & reward.has_value[:, None]
        return place(row, where)

    return per_channel(gather)
