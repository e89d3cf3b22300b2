"""Between the smallest and the largest reward."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.core.compose import named, per_channel, running
from rewardlab.core.types import Reward, RewardTransform, Rollout
from rewardlab.transforms.shapers.within_row import between


class Extremes(NamedTuple):
    """The smallest and the largest reward so far."""

    low: Float[Array, ""]
    high: Float[Array, ""]


@named
def minmax_by_history() -> RewardTransform:
    """(r - min) / (max - min) over everything seen, in [0, 1] (as PAR's code).

    A first batch of 1, 2, 5 -> 0, 1/4, 1. Equal rewards give 0, where PAR's code has
    0/0.
    """

    def scale(reward: Reward, seen: Extremes, _: Rollout) -> tuple[Reward, Extremes]:
        low = jnp.min(reward.smallest)
        high = -jnp.min(reward.map(jnp.negative).smallest)
        seen = Extremes(jnp.minimum(seen.low, low), jnp.maximum(seen.high, high))
        width = seen.high - seen.low
        width = jnp.where(width > 0, width, 1)
        return reward.map(lambda r: (r - seen.low) / width), seen

    return running(lambda: Extremes(jnp.array(jnp.inf), jnp.array(-jnp.inf)), scale)


@named
def minmax_by_padded_row() -> RewardTransform:
    """(r - second smallest) / (max - it) of the row padded with zeros (RLFR's code).

    (1, 4, 9) and padding -> (0, 3/8, 1). (1, 2, 4) without padding -> (-1/2, 0, 1).

    In a row of positive rewards with padding, the second smallest value is the smallest
    reward. Without padding the smallest becomes negative.
    """

    def scale(reward: Reward, rollout: Rollout) -> Reward:
        value = reward.value
        smallest = jnp.min(value, axis=1, keepdims=True)
        low = jnp.min(value, axis=1, where=value > smallest, initial=jnp.inf)
        return reward.map(between, low, jnp.maximum(jnp.max(value, axis=1), 0))

    return per_channel(scale)
