"""Rewards relative to the other rewards of their row."""

import jax.numpy as jnp

from rewardlab.core.compose import named, per_channel
from rewardlab.core.order import k_greatest
from rewardlab.core.types import (
    Coefficient,
    Reward,
    RewardTransform,
    Rollout,
    coefficient,
)


@named
def minmax_by_row(second_least: bool = False) -> RewardTransform:
    """(r - min) / (max - min) over the rewards of a row; equal rewards give 0.

    With `second_least` the row is padded with zeros and its second least distinct value
    stands for the least, as in RLFR's code: that is the least of positive rewards, but
    in a row without padding one token becomes negative.
    """

    def scale(reward: Reward, rollout: Rollout) -> Reward:
        value, placed = reward.value, reward.placed
        low = jnp.min(value, axis=1, where=placed, initial=jnp.inf)
        high = jnp.max(value, axis=1, where=placed, initial=-jnp.inf)
        if second_least:
            least = jnp.min(value, axis=1, keepdims=True)
            low = jnp.min(value, axis=1, where=value > least, initial=jnp.inf)
            high = jnp.maximum(high, 0)
        width = jnp.where(high > low, high - low, 1)
        scaled = (value - low[:, None]) / width[:, None]
        return reward.with_value(jnp.where((high > low)[:, None], scaled, 0))

    return per_channel(scale)


@named
def keep_top(count: int, above: Coefficient = 0.0) -> RewardTransform:
    """r where it is among the `count` greatest of its row and over `above`, else 0.

    What does not stay is 0, not absent. Of equal rewards the first ones stay.
    """

    def keep(reward: Reward, rollout: Rollout) -> Reward:
        score = jnp.where(reward.placed, reward.value, -jnp.inf)
        kept = k_greatest(score, count) & (reward.value > coefficient(above, rollout))
        return reward.with_value(jnp.where(kept, reward.value, 0))

    return per_channel(keep)
