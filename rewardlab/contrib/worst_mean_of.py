"""The worst case of an expectation, not the expectation of worst cases."""

import jax.numpy as jnp

from rewardlab.core.compose import named
from rewardlab.core.placed import batch_sum
from rewardlab.core.reward import combine_any
from rewardlab.core.types import Reward, RewardTransform
from rewardlab.transforms.combinators.join import join_channels


@named
def worst_mean_of(*names: str) -> RewardTransform:
    """The channel whose mean over the batch is smallest, for every row.

    Channels (1, 0) and (0.4, 0.4) -> (0.4, 0.4).

    The worst case of an expected reward, never below the mean of `min_of`: the other
    reading of reward-robust RLHF (arXiv 2409.15360).
    """

    def worst(parts: list[Reward]) -> Reward:
        sums = [batch_sum(part) for part in parts]
        means = jnp.stack([jnp.where(s.count > 0, s.mean(), jnp.inf) for s in sums])
        return combine_any(lambda values, _: values[jnp.argmin(means)], parts)

    return join_channels(names, worst)
