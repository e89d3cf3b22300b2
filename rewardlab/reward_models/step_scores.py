"""Scores of steps: losses that they are trained with, and one number of all of them."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked

Steps = Float[Array, "N S"]
Logits = Float[Array, "N S K"]  # K = 1, or 2: wrong, right


def probability(logits: Logits) -> Steps:
    """sigmoid of one logit; of two the softmax's share of the second, "right"."""
    return jax.nn.sigmoid(_odds(logits))


def _odds(logits: Logits) -> Steps:
    return logits[..., -1] - (logits[..., 0] if logits.shape[-1] > 1 else 0)


def cross_entropy(logits: Logits, label: Steps) -> Steps:
    """-y log p - (1 - y) log(1 - p), for hard labels and soft ones.

    Of two logits it is the cross entropy of their softmax: the same with their
    difference.
    """
    x = _odds(logits)
    return -label * jax.nn.log_sigmoid(x) - (1 - label) * jax.nn.log_sigmoid(-x)


def squared(logits: Logits, label: Steps) -> Steps:
    """(p - y)^2 (ReST-MCTS*, arXiv 2406.03816)."""
    return (probability(logits) - label) ** 2


LOSSES: dict[str, Callable[[Logits, Steps], Steps]] = {
    "cross_entropy": cross_entropy,
    "squared": squared,
}


def minimum(score: Steps, mask: Bool[Array, "N S"]) -> Float[Array, " N"]:
    """The worst step."""
    return jnp.min(jnp.where(mask, score, jnp.inf), axis=1)


def product(score: Steps, mask: Bool[Array, "N S"]) -> Float[Array, " N"]:
    """The chance that all are right, if each is by itself."""
    return jnp.prod(jnp.where(mask, score, 1), axis=1)


def latest(score: Steps, mask: Bool[Array, "N S"]) -> Float[Array, " N"]:
    """The last step."""
    return masked.total(score, masked.last(mask))


def mean_logit(score: Steps, mask: Bool[Array, "N S"]) -> Float[Array, " N"]:
    """sigmoid of the mean of log(p / (1 - p)) (DreamPRM)."""
    p = jnp.where(mask, score, 0.5)
    return jax.nn.sigmoid(masked.row_mean(jnp.log(p) - jnp.log1p(-p), mask))


def geometric(score: Steps, mask: Bool[Array, "N S"]) -> Float[Array, " N"]:
    """exp of the mean of log p: between the minimum and the mean."""
    return jnp.exp(masked.row_mean(jnp.log(jnp.where(mask, score, 1)), mask))


AGGREGATES: dict[str, Callable[[Steps, Bool[Array, "N S"]], Float[Array, " N"]]] = {
    "geometric": geometric,
    "last": latest,
    "mean": masked.row_mean,
    "mean_logit": mean_logit,
    "minimum": minimum,
    "product": product,
}


def kind_offsets(
    policy: Float[Array, " K"],
    prior: Float[Array, " K"],
    strength: float | Float[Array, ""],
    most: float | Float[Array, ""],
    eps: float = 1e-6,
) -> Float[Array, " K"]:
    """clip(-strength log((P + eps) / (Q + eps)), -most, most) of K kinds' shares P, Q.

    P = 1 of Q = 1/2, strength 0.1 -> -0.0693 (FinePO, arXiv 2601.05688)
    """
    return jnp.clip(-strength * jnp.log((policy + eps) / (prior + eps)), -most, most)


def concordance(
    score: Float[Array, " K"], label: Bool[Array, " K"], mask: Bool[Array, " K"]
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Pairs of a True and a False label, and in how many the True one scores higher.

    Ties are half; the second over the first is the AUC.
    """
    above = (score[:, None] > score) + (score[:, None] == score) / 2
    pair = (mask & label)[:, None] & (mask & ~label)
    return jnp.sum(pair).astype(score.dtype), jnp.sum(jnp.where(pair, above, 0))
