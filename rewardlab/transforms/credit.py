"""Spreading rewards over the tokens that earned them."""

import jax.numpy as jnp
from rewardlab.compose import named, on_one
from rewardlab.types import Reward, RewardTransform, Rollout, place


@named
def broadcast_to_tokens() -> RewardTransform:
    """A_t = sum of the row's rewards, on every True token: credit of a whole episode."""

    def spread(reward: Reward, rollout: Rollout) -> Reward:
        row = jnp.sum(reward.value, axis=1, keepdims=True)
        where = rollout.mask & reward.has_value[:, None]
        return place(jnp.broadcast_to(row, where.shape), where)

    return on_one(spread)
