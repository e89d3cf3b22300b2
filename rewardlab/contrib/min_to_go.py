"""Credit by the smallest reward that is still to come."""

import jax.numpy as jnp
from jax import lax

from rewardlab.core import masked
from rewardlab.core.compose import named, on_one
from rewardlab.core.types import Reward, RewardTransform, Rollout, place


@named
def min_to_go() -> RewardTransform:
    """V_t = the smallest reward from token t on; 0 after the last reward.

    (0.9, 0.4, 0.7) -> (0.4, 0.4, 0.7).

    The value of a chain that is as good as its worst step. (PURE, arXiv 2504.15275)
    """

    def accumulate(reward: Reward, rollout: Rollout) -> Reward:
        score = jnp.where(reward.placed, reward.value, jnp.inf)
        least = lax.cummin(score, axis=1, reverse=True)
        value = jnp.where(masked.up_to_last(reward.placed), least, 0)
        return place(value, rollout.mask & reward.has_value[:, None])

    return on_one(accumulate)
