"""Normalise by everything seen so far: running statistics, kept in the state.

The batch is merged first and normalised then, over all rows of the global batch, so the
statistics do not depend on how rows are split over devices. One channel each; for
several write `on('name', ...)`.
"""

import jax.numpy as jnp

from rewardlab.core.compose import named, running
from rewardlab.core.types import Reward, RewardTransform, Rollout
from rewardlab.transforms.shapers.moments import Moments


@named
def standardize_by_history(prior: float = 0.0, ddof: int = 0) -> RewardTransform:
    """(r - mean) / std over everything seen; a std of 0 counts as 1 (as PAR's code).

    A first batch of 1, 3 -> -1, 1.

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
    """r clipped to mean +- std of everything seen (as PAR's code).

    A first batch of 0, 0, 0, 4, of mean 1 and std 1.73 -> 0, 0, 0, 2.73.
    """

    def clip(reward: Reward, seen: Moments, _: Rollout) -> tuple[Reward, Moments]:
        seen = seen.merge(reward)
        low, high = seen.mean - seen.std(), seen.mean + seen.std()
        return reward.map(lambda r: jnp.clip(r, low, high)), seen

    return running(Moments.empty, clip)
