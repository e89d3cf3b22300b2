"""Mean 0 and variance 1 over the whole batch."""

import jax.numpy as jnp
from jax import lax

from rewardlab.core.compose import named, per_channel
from rewardlab.core.placed import batch_mean, batch_smallest, batch_variance
from rewardlab.core.types import Reward, RewardTransform, Rollout


@named
def whiten(eps: float = 1e-8, ddof: int = 1, var_floor: float = 0.0) -> RewardTransform:
    """(r - mean) / sqrt(max(var, var_floor) + eps), over all rewards of the batch.

    A batch of 1, 0 -> 0.707, -0.707.

    var divides by M - ddof. Fewer than two rewards give 0, where the reference codes
    raise; equal rewards give exactly 0. Places without a reward are 0, where verl has
    (0 - mean) / std. Defaults are verl's; OpenRLHF (REINFORCE++, arXiv 2501.03262) has
    eps=0, ddof=0, var_floor=1e-8.
    """

    def whitened(reward: Reward, rollout: Rollout) -> Reward:
        distance = reward.map(jnp.subtract, batch_smallest(reward))
        var = jnp.maximum(batch_variance(reward, ddof), var_floor) + eps
        scale = lax.rsqrt(jnp.where(var > 0, var, 1))
        return distance.map(lambda d, mean: (d - mean) * scale, batch_mean(distance))

    return per_channel(whitened)
