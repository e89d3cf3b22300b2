"""Mean and variance of a stream of batches."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.core import masked
from rewardlab.core.placed import batch_mean, batch_smallest, batch_variance
from rewardlab.core.types import Reward


class Moments(NamedTuple):
    """Count, mean and sum of squared distances to the mean of rewards seen so far."""

    count: Float[Array, ""]  # type: ignore[assignment]  # hides tuple.count
    mean: Float[Array, ""]
    m2: Float[Array, ""]

    @classmethod
    def empty(cls, prior: float = 0.0) -> "Moments":
        """Nothing seen, or `prior` rewards of mean 0 and variance 1."""
        return cls(jnp.asarray(prior, float), jnp.zeros(()), jnp.asarray(prior, float))

    def merge(self, reward: Reward, ddof: int = 0) -> "Moments":
        """With the placed rewards of one more batch (Chan, Golub and LeVeque, 1979).

        With `ddof` the batch's own variance divides by its count - ddof.
        """
        added = jnp.sum(reward.count).astype(self.count.dtype)
        smallest = batch_smallest(reward)  # of equal rewards their mean
        mean = smallest + batch_mean(reward.map(jnp.subtract, smallest))
        m2 = batch_variance(reward, ddof) * added
        count, gap = self.count + added, mean - self.mean
        share = masked.safe_divide(added, count)
        merged = self.m2 + m2 + gap**2 * self.count * share
        return Moments(count, self.mean + gap * share, merged)

    def std(self) -> Float[Array, ""]:
        """sqrt(m2 / count); 0 until something was seen."""
        return jnp.sqrt(masked.safe_divide(self.m2, self.count))
