"""Rewards relative to the other rewards of their row."""

import jax.numpy as jnp

from rewardlab.core.compose import named, per_channel
from rewardlab.core.order import k_largest
from rewardlab.core.reward import Number
from rewardlab.core.types import (
    Coefficient,
    Reward,
    RewardTransform,
    Rollout,
    coefficient,
)


@named
def minmax_by_row() -> RewardTransform:
    """(r - min) / (max - min) over the rewards of a row; equal rewards give 0.

    (1, 2, 5) -> (0, 1/4, 1).
    """

    def scale(reward: Reward, rollout: Rollout) -> Reward:
        high = -reward.map(jnp.negative).smallest
        return reward.map(between, reward.smallest, high)

    return per_channel(scale)


def between(r: Number, low: Number, high: Number) -> Number:
    """(r - low) / (high - low); 0 unless low < high."""
    wide = high > low
    return jnp.where(wide, (r - low) / jnp.where(wide, high - low, 1), 0)


@named
def keep_top(count: int, above: Coefficient = 0.0) -> RewardTransform:
    """r where it is among the `count` largest of its row and above `above`, else 0.

    (0.2, 0.9, 0.5) with count = 1 -> (0, 0.9, 0).

    Dropped rewards are 0, not absent. Of equal rewards the first are kept.
    """

    def keep(reward: Reward, rollout: Rollout) -> Reward:
        score = jnp.where(reward.placed, reward.value, -jnp.inf)
        kept = k_largest(score, count) & (reward.value > coefficient(above, rollout))
        return reward.with_value(jnp.where(kept, reward.value, 0))

    return per_channel(keep)
