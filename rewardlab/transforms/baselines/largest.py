"""Divide by the largest absolute value of the batch."""

import jax.numpy as jnp

from rewardlab.core import edges, recursions
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import Reward, RewardTransform, Rollout


@named
def scale_by_greatest(eps: float = 1e-6) -> RewardTransform:
    """r / (max |r| + eps) over all placed rewards of the batch.

    1, -4, 2 -> 1/4, -1, 1/2 (eps = 0).

    iStar's code (arXiv 2509.19199) takes the maximum over the rows of one worker; here
    it is over the batch.
    """

    def scale(reward: Reward, rollout: Rollout) -> Reward:
        greatest = jnp.max(jnp.abs(reward.value), initial=0)
        return reward.with_value(edges.over(reward.value, greatest, eps))

    return per_channel(scale)


@named
def scale_by_greatest_return(eps: float = 1e-6) -> RewardTransform:
    """r_t / (max |r_t + r_{t+1} + ...| + eps): no return of the batch exceeds 1.

    A row (1, 3) -> (1/4, 3/4) (eps = 0).

    The maximum is over all tokens of all rows; PRIME's code (arXiv 2502.01456) takes it
    over the rows of one worker.
    """

    def scale(reward: Reward, rollout: Rollout) -> Reward:
        to_go = recursions.sum_to_go(reward.value)
        greatest = jnp.max(jnp.abs(to_go), initial=0)
        return reward.with_value(edges.over(reward.value, greatest, eps))

    return per_channel(scale)
