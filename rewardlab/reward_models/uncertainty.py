"""Rewards of one picture under two noises: where they disagree, they count less.

(Ctrl-U, arXiv 2410.11236.) A reward model reads a generated image twice, denoised from
two steps; its disagreement is the uncertainty v of each pixel.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rewardlab.core import edges, masked
from rewardlab.core.intervals import need


def class_disagreement(
    primary: Float[Array, "B C *P"],
    auxiliary: Float[Array, "B C *P"],
    scale: float = 1.0,
) -> Float[Array, "B *P"]:
    """v = scale * KL(softmax(auxiliary) || softmax(primary)) of each pixel, nats."""
    other = jax.nn.log_softmax(auxiliary, axis=1)
    gap = other - jax.nn.log_softmax(primary, axis=1)
    gap = jnp.where(auxiliary > -jnp.inf, gap, 0)  # a class of chance 0 adds nothing
    return scale * jnp.sum(jnp.exp(other) * gap, axis=1)


def value_disagreement(
    primary: Float[Array, "B *P"], auxiliary: Float[Array, "B *P"]
) -> Float[Array, "B *P"]:
    """v = |primary - auxiliary|, for depth maps and edges; no gradient at 0."""
    return edges.size(primary - auxiliary)


def certainty(v: Float[Array, "B *P"]) -> Float[Array, "B *P"]:
    """exp(-v), the weight of a pixel's reward loss: 1 where both readings agree."""
    return jnp.exp(-v)


def counted_mean(
    per_pixel: Float[Array, "B *P"], counts: Bool[Array, " B"]
) -> Float[Array, ""]:
    """The mean over pixels, then over the images that count; 0 if none does.

    Only images of early enough noise steps count. The reward loss is
    counted_mean(loss * certainty(v)) + regulariser * counted_mean(v).
    """
    each = jnp.mean(per_pixel.reshape(per_pixel.shape[0], -1), axis=1)
    return masked.mean(each, counts)


def ramp(step: Float[Array, ""] | int, steps: int, scale: float = 1.0) -> Array:
    """scale * min(1, step / steps): the weight of the reward in the total loss."""
    need("ramp", "(0, inf)", steps=steps)
    return scale * jnp.minimum(1.0, step / steps)
