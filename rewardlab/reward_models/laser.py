"""The policy's own verdict: one log-probability after its last token.

(LaSeR, arXiv 2510.14943.) After the end of a completion the policy gives a fixed unused
token z the log-probability l; beta (l - c) is trained to be the verifier's reward and
then read as a reward of its own. c is near -23 for every completion under the
reference, so it is a constant.
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core import masked


def after_end(mask: Bool[Array, "N T"]) -> Int[Array, " N"]:
    """The column of the first token after the completion; 0 for one cut off."""
    return jnp.argmin(mask, axis=1)


def finished(mask: Bool[Array, "N T"]) -> Bool[Array, " N"]:
    """Whether the completion ended before its last column."""
    return ~mask[:, -1]


def self_score(
    logp: Float[Array, " N"],
    baseline: Float[Array, " N"] | float = -23.0,
    beta: float = 0.1,
) -> Float[Array, " N"]:
    """s = beta (l - c), nats; above 0.5 the policy calls its completion right.

    c is the constant or the reference's log-probability of z. The code multiplies both
    by the sampling temperature in the loss, but not for the advantage.
    """
    return beta * (logp - baseline)


def verdict(score: Float[Array, " N"]) -> Float[Array, " N"]:
    """The score held in [0, 1]: the signal `self_score` of the method `laser`."""
    return jnp.clip(score, 0, 1)


def class_weights(
    correct: Float[Array, " N"], counts: Bool[Array, " N"]
) -> Float[Array, " N"]:
    """n / (2 n_class) of each completion's class; n and n_class count `counts` only.

    So right and wrong completions weigh the same in sum; a class that is empty has
    weight 0.
    """
    right = correct == 1
    n = jnp.sum(counts)
    n_right = jnp.sum(counts & right)
    n_class = jnp.where(right, n_right, n - n_right)
    return jnp.where(n_class > 0, n / jnp.maximum(2 * n_class, 1), 0)


def self_score_loss(
    score: Float[Array, " N"],
    reward: Float[Array, " N"],
    counts: Bool[Array, " N"],
    weight: Float[Array, " N"] | float = 1.0,
) -> Float[Array, ""]:
    """sum weight (s - r)^2 over the completions that count / N, counting or not."""
    squares = jnp.where(counts, weight * (score - reward) ** 2, 0)
    return masked.safe_divide(jnp.sum(squares), jnp.asarray(score.shape[0]))
