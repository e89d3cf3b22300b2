"""Rewards among others of their set, in which copies of one may share a weight of 1."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core import masked
from rewardlab.core.types import Reward


class Sets(NamedTuple):
    """The set of each token, of `size` many, and what a reward there weighs."""

    ids: Int[Array, "N T"]
    size: int
    weight: Float[Array, "N T"] | float = 1.0


class Among(NamedTuple):
    """How far each reward is from the mean of its set, and how many rewards that has.

    `away` is 0 where no reward is, and exactly 0 where all of a set are equal.
    """

    away: Float[Array, "N T"]
    number: Float[Array, "N T"]  # the sum of weights
    squares: Float[Array, "N T"]  # the sum of w away^2

    def more_than(self, few: int) -> Bool[Array, "N T"]:
        """Whether there are; copies weigh 1 together, but for rounding."""
        return self.number > few + 0.5

    def std(self, ddof: int) -> Float[Array, "N T"]:
        """sqrt(sum w away^2 / (count - ddof)); 1 where there are no more than ddof."""
        left = jnp.where(self.more_than(ddof), self.number - ddof, 1)
        return jnp.where(self.more_than(ddof), jnp.sqrt(self.squares / left), 1)


def among(reward: Reward, sets: Sets) -> Among:
    """Each placed reward among those of its set, the mean being sum w r / sum w."""
    ids, size, weight = sets
    of = lambda x: masked.set_sum(x, ids, size)  # noqa: E731
    score = jnp.where(reward.placed, reward.value, jnp.inf)
    distance = reward.value - masked.set_min(score, ids, size)
    distance = jnp.where(reward.placed, distance, 0)
    w = jnp.where(reward.placed, weight, 0).astype(distance.dtype)
    count = of(w)
    mean = of(w * distance) / jnp.where(count > 0, count, 1)
    away = jnp.where(reward.placed, distance - mean, 0)
    return Among(away, count, of(w * away**2))
