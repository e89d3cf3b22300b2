"""The loss of a critic."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked
from rewardlab.core.types import Sum
from rewardlab.objectives.aggregation import token_mean
from rewardlab.objectives.objective import Aggregation

BY_TOKEN = token_mean()


class ValueLoss(NamedTuple):
    """The loss, and the share of tokens on which the clipped error is the greater."""

    loss: Sum
    clipped: Sum


def value_loss(
    value: Float[Array, "N T"],
    old_value: Float[Array, "N T"],
    returns: Float[Array, "N T"],
    mask: Bool[Array, "N T"],
    epsilon: float | Float[Array, ""] | None = 0.2,
    aggregate: Aggregation = BY_TOKEN,
) -> ValueLoss:
    """max((v - R)^2, (clip(v, v_old-eps, v_old+eps) - R)^2) / 2, aggregated.

    PPO's clipped value loss (arXiv 1707.06347, as in verl); without clipping where
    `epsilon` is None.
    """
    value, old, goal = (jnp.where(mask, x, 0) for x in (value, old_value, returns))
    near = value
    if epsilon is not None:
        near = jnp.clip(value, old - epsilon, old + epsilon)
    plain, clipped = (value - goal) ** 2, (near - goal) ** 2
    weight, count = aggregate(mask)
    total = jnp.sum(jnp.where(mask, weight * jnp.maximum(plain, clipped), 0))
    share = masked.sum_of(1.0 * (clipped > plain), mask)
    return ValueLoss(Sum(total / 2, jnp.sum(count)), share)
