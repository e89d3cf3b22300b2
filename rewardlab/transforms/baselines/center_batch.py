"""The batch as its own baseline."""

import jax.numpy as jnp

from rewardlab.core.compose import named, per_channel
from rewardlab.core.placed import batch_mean, batch_smallest
from rewardlab.core.types import Reward, RewardTransform, Rollout


@named
def center_by_batch() -> RewardTransform:
    """r - mean of all placed rewards of the batch; a lone reward gives 0.

    A batch of 3, 1, 2 -> 1, -1, 0. Equal rewards give exactly 0.
    """

    def center(reward: Reward, rollout: Rollout) -> Reward:
        distance = reward.map(jnp.subtract, batch_smallest(reward))
        return distance.map(jnp.subtract, batch_mean(distance))

    return per_channel(center)
