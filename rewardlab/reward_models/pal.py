"""Ideal points: a user is a mixture of prototypes and likes what lies near it.

(PAL, arXiv 2406.08469.) `y` is +1 where the right item is preferred and -1 for the
left; losses take `towards_right`, how much nearer the right item lies.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rewardlab.core import edges, masked
from rewardlab.core.intervals import need


def ideal_point(
    user: Float[Array, "*B K"],
    prototypes: Float[Array, "K d"],
    temperature: float = 1.0,
) -> Float[Array, "*B d"]:
    """u = softmax(w / T) P."""
    need("ideal_point", "(0, inf)", temperature=temperature)
    return jax.nn.softmax(user / temperature, axis=-1) @ prototypes


def distance_reward(
    item: Float[Array, "*B d"], ideal: Float[Array, "*B d"]
) -> Float[Array, "*B"]:
    """-||item - u||, not squared; the gradient is 0 where they coincide."""
    return -edges.root(jnp.sum((item - ideal) ** 2, axis=-1))


def angle_reward(
    item: Float[Array, "*B d"], ideal: Float[Array, "*B d"], log_scale: float
) -> Float[Array, "*B"]:
    """cos(item, u) * min(exp(log_scale), 100); log_scale begins at log(1 / 0.07)."""
    cosine = jnp.sum(edges.unit(item, -1) * edges.unit(ideal, -1), axis=-1)
    return cosine * jnp.exp(jnp.minimum(log_scale, jnp.log(100.0)))


def hinge(
    towards_right: Float[Array, "*B"], y: Float[Array, "*B"], margin: float = 1.0
) -> Float[Array, "*B"]:
    """max(0, margin - y * towards_right)."""
    return jax.nn.relu(margin - y * towards_right)


def smooth_hinge(
    towards_right: Float[Array, "*B"],
    y: Float[Array, "*B"],
    gamma: float = 5.0,
    margin: float = 1.0,
) -> Float[Array, "*B"]:
    """hinge^2 / (2 gamma) up to hinge = gamma, then hinge - gamma / 2."""
    need("smooth_hinge", "(0, inf)", gamma=gamma)
    short = hinge(towards_right, y, margin)
    return jnp.where(short <= gamma, short**2 / (2 * gamma), short - gamma / 2)


def logistic(
    towards_right: Float[Array, "*B"], y: Float[Array, "*B"]
) -> Float[Array, "*B"]:
    """log(1 + exp(-y * towards_right)).

    With `angle_reward`s this is the paper's cross-entropy. The code's logistic loss of
    distances feeds distances, not their negatives, and so is turned round.
    """
    return jax.nn.softplus(-y * towards_right)


def cumulative_mean(
    x: Float[Array, "N T"], mask: Bool[Array, "N T"]
) -> Float[Array, " N"]:
    """sum_i i x_i / (1 + ... + l) over the l True tokens: later ones weigh more."""
    place = jnp.where(mask, jnp.cumsum(mask, axis=1), 0)
    return masked.safe_divide(masked.total(place * x, mask), jnp.sum(place, axis=1))


def last_token(x: Float[Array, "N T"], mask: Bool[Array, "N T"]) -> Float[Array, " N"]:
    """x on the last True token; 0 where there is none."""
    return masked.total(x, masked.last(mask))
