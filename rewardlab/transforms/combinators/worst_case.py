"""The worst case of an expectation, not the expectation of worst cases."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.core import masked
from rewardlab.core.compose import named
from rewardlab.core.types import RewardTransform
from rewardlab.transforms.combinators.joined import Places, Values, join


@named
def least_on_average_of(*names: str) -> RewardTransform:
    """The one channel whose mean over the batch is least, for every row alike.

    The worst case of an expected reward, never below the mean of `min_of`: the other
    reading of reward-robust RLHF (arXiv 2409.15360).
    """

    def worst(value: Values, placed: Places) -> Float[Array, "N T"]:
        sums = jnp.sum(jnp.where(placed, value, 0), axis=(1, 2))
        counts = jnp.sum(placed, axis=(1, 2))
        means = jnp.where(counts > 0, masked.divide(sums, counts), jnp.inf)
        return value[jnp.argmin(means)]

    return join(names, worst)
