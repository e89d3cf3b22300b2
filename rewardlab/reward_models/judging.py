"""What a judge's answers say: chances, votes over several draws, its own reward.

A verdict is 1 for right, 0 for wrong and -1 where nothing could be read.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core import masked
from rewardlab.core.types import Sum

RULES = ("rise", "zero_one")


def grade(logp: Float[Array, "... K"]) -> Float[Array, "..."]:
    """sum_k p_k k / (K - 1) over K answers from the worst, 0, to the best, 1.

    Of two answers it is P(yes) = p_yes / (p_yes + p_no): what the judge gives to other
    tokens counts for nothing. Log-probs (log 0.01, log 0.03) -> 0.75
    """
    steps = jnp.arange(logp.shape[-1]) / (logp.shape[-1] - 1)
    return jnp.sum(jax.nn.softmax(logp, axis=-1) * steps, axis=-1)


def log_odds(logp: Float[Array, "... K"]) -> Float[Array, "..."]:
    """log p_best - log p_worst, nats: 0 for a judge that does not know."""
    return logp[..., -1] - logp[..., 0]


def mean_grade(
    place: Int[Array, "N K *L"], answers: int
) -> tuple[Float[Array, "N *L"], Bool[Array, "N *L"]]:
    """The mean place in [0, 1] over the K draws that can be read; whether one can.

    Places (2, -1, 0) of answers 0 to 2 -> 1/2
    """
    read = place >= 0
    total = jnp.sum(jnp.where(read, place, 0) / (answers - 1), axis=1)
    count = jnp.sum(read, axis=1)
    return masked.safe_divide(total, count), count > 0


def flaws(score: Float[Array, "K N S"], step_mask: Bool[Array, "N S"]) -> Array:
    """How many of K critics find each step wrong, with a score below 1/2, [N, S].

    A critic who cannot be read has NaN and finds nothing.
    """
    return jnp.where(step_mask, jnp.sum(score < 0.5, axis=0), 0)


def least_step(
    score: Float[Array, "K N S"], step_mask: Bool[Array, "N S"]
) -> Float[Array, " N"]:
    """The mean over K draws of the least score of a row's steps; 1 without steps."""
    least = jnp.min(jnp.where(step_mask, score, jnp.inf), axis=-1)
    return jnp.mean(jnp.where(jnp.isfinite(least), least, 1), axis=0)


def verifier_reward(
    verdict: Int[Array, "..."], correct: Float[Array, "..."], rule: str = "rise"
) -> Float[Array, "..."]:
    """What a verifier earns for its verdict: 1 for the right one.

    Else -1/2, or -1 where nothing could be read ("rise", RISE, arXiv 2505.13445); or 0
    ("zero_one", RL Tango, arXiv 2505.15034, without its reward of the form). NaN where
    what is right is NaN.
    """
    right = verdict == correct
    wrong = jnp.where(verdict < 0, -1.0, -0.5) if rule == "rise" else 0.0
    return jnp.where(right, 1.0, wrong) + 0 * correct


def agreement(
    verdict: Int[Array, " N"], correct: Float[Array, " N"], counts: Bool[Array, " N"]
) -> dict[str, Sum]:
    """`accuracy` over all, `precision` of "right" and `recall` of what is right.

    What could not be read is not accurate, and does not say right.
    """
    right, said = correct == 1, verdict == 1
    hit = (said & right).astype(correct.dtype)
    return {
        "accuracy": masked.sum_of((verdict == correct).astype(correct.dtype), counts),
        "precision": masked.sum_of(hit, counts & said),
        "recall": masked.sum_of(hit, counts & right),
    }


def rank_agreement(
    score: Float[Array, " N"],
    truth: Float[Array, " N"],
    counts: Bool[Array, " N"],
    group: Int[Array, " N"],
) -> dict[str, Sum]:
    """`auc` and `tau` of a score against what is true, over pairs of one group.

    `auc` is the share of pairs of different truth that the score orders rightly, a tie
    half; `tau` is Kendall's tau-a: right less wrong ones, over all pairs, ties 0.
    """
    above = lambda x: jnp.sign(x[:, None] - x[None, :])  # noqa: E731
    same = (group[:, None] == group[None, :]) & counts[:, None] & counts[None, :]
    pairs = same & jnp.triu(jnp.ones(same.shape, bool), 1)
    order = above(score) * above(truth)
    differ = pairs & (above(truth) != 0)
    return {
        "auc": masked.sum_of((1 + order) / 2, differ),
        "tau": masked.sum_of(order, pairs),
    }


def debiased(first: Float[Array, "... G G"]) -> Float[Array, "... G G"]:
    """(p_ij + 1 - p_ji) / 2 of the chance that the one shown first is better.

    What a judge gives to a place is gone: P_ij + P_ji = 1, and 1/2 on the diagonal.
    """
    return (first + 1 - jnp.swapaxes(first, -1, -2)) / 2
