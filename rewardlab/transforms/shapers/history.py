"""Normalising by all that was ever seen: running statistics, kept in the state.

The batch is merged before it is normalised, over all rows of the global batch, so the
statistics do not depend on how rows lie on devices. One channel each; for several write
`on('name', ...)`.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.core.compose import named, running
from rewardlab.core.types import Reward, RewardTransform, Rollout
from rewardlab.transforms.shapers.moments import Moments


class Extremes(NamedTuple):
    """The least and the greatest reward seen so far."""

    low: Float[Array, ""]
    high: Float[Array, ""]


@named
def standardize_by_history(prior: float = 0.0, ddof: int = 0) -> RewardTransform:
    """(r - mean) / std over everything seen; a std of 0 counts as 1 (as PAR's code).

    It begins as if `prior` rewards of mean 0 and variance 1 had been seen; the variance
    of a batch divides by its count - ddof. ONI's code has prior=1e-4, ddof=1.
    """

    def scale(reward: Reward, seen: Moments, _: Rollout) -> tuple[Reward, Moments]:
        seen = seen.merge(reward, ddof)
        std = jnp.where(seen.std() == 0, 1, seen.std())
        return reward.map(lambda r: (r - seen.mean) / std), seen

    return running(lambda: Moments.empty(prior), scale)


@named
def clip_by_history() -> RewardTransform:
    """r held within one std of the mean of everything seen (as PAR's code)."""

    def clip(reward: Reward, seen: Moments, _: Rollout) -> tuple[Reward, Moments]:
        seen = seen.merge(reward)
        low, high = seen.mean - seen.std(), seen.mean + seen.std()
        return reward.map(lambda r: jnp.clip(r, low, high)), seen

    return running(Moments.empty, clip)


@named
def minmax_by_history() -> RewardTransform:
    """(r - min) / (max - min) over everything seen, in [0, 1] (as PAR's code).

    While all that was seen is equal the result is 0, where PAR's code gives 0/0.
    """

    def scale(reward: Reward, seen: Extremes, _: Rollout) -> tuple[Reward, Extremes]:
        low = jnp.min(reward.smallest)
        high = -jnp.min(reward.map(jnp.negative).smallest)
        seen = Extremes(jnp.minimum(seen.low, low), jnp.maximum(seen.high, high))
        width = seen.high - seen.low
        width = jnp.where(width > 0, width, 1)
        return reward.map(lambda r: (r - seen.low) / width), seen

    return running(lambda: Extremes(jnp.array(jnp.inf), jnp.array(-jnp.inf)), scale)
