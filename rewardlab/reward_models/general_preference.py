"""General preference: completions are vectors, preference is a rotation between them.

A scalar reward cannot say that a beats b, b beats c and c beats a; here the score of a
pair is antisymmetric and nothing else. (GPM, arXiv 2410.02197)
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.core.intervals import need


def preference_score(
    a: Float[Array, "*B d"],
    b: Float[Array, "*B d"],
    scales: Float[Array, "*B k"] | float = 1.0,
) -> Float[Array, "*B"]:
    """s(a > b) = sum_k scale_k (a_2k b_2k+1 - a_2k+1 b_2k); d is even.

    s(a > b) = -s(b > a) and s(a > a) = 0. `scales` weigh the d/2 planes of a prompt.
    """
    if a.shape[-1] % 2:
        raise ValueError(
            f"a preference embedding has pairs of numbers and this one has "
            f"{a.shape[-1]}; give it an even width"
        )
    left = a.reshape(*a.shape[:-1], -1, 2)
    right = b.reshape(*b.shape[:-1], -1, 2)
    turn = left[..., 0] * right[..., 1] - left[..., 1] * right[..., 0]
    return jnp.sum(scales * turn, axis=-1)


def plane_scales(
    hidden: Float[Array, "*B h"], weight: Float[Array, "k h"]
) -> Float[Array, "*B k"]:
    """softmax(W x / sqrt(h)) * k: how much each of the k planes counts for a prompt.

    The authors' example has the plain softmax, without the factor k = d/2.
    """
    planes, width = weight.shape
    return planes * jax.nn.softmax(hidden @ weight.T / width**0.5, axis=-1)


def preference_probability(
    score: Float[Array, "*B"], tau: float = 0.1, margin: float = 0.0
) -> Float[Array, "*B"]:
    """P(a > b) = sigmoid((s - margin) / tau); the code's 2-wide classes have tau 1."""
    need("preference_probability", "(0, inf)", tau=tau)
    return jax.nn.sigmoid((score - margin) / tau)


def preference_loss(
    score: Float[Array, "*B"], tau: float = 0.1, margin: float = 0.0
) -> Float[Array, "*B"]:
    """-log sigmoid((s - margin) / tau)."""
    need("preference_loss", "(0, inf)", tau=tau)
    return jax.nn.softplus(-(score - margin) / tau)


def preference_regression(
    score: Float[Array, "*B"],
    tau: float = 0.1,
    target: Float[Array, "*B"] | float = 10.0,
) -> Float[Array, "*B"]:
    """(s / tau - target)^2 / 2.

    With a margin m the authors' wide class has target m / tau, its 2-wide class
    5 sigmoid(m).
    """
    need("preference_regression", "(0, inf)", tau=tau)
    return (score / tau - target) ** 2 / 2
