"""Pairs under Bradley and Terry: P(a > b) = sigmoid(r_a - r_b).

Losses are one number a pair, penalties one a reward. POLAR (arXiv 2507.05197) is
`pair_loss` and `log_barrier` (weight 0.01) where both rewards are read beside the same
reference completion; two samples of one policy are its positive pairs.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked
from rewardlab.core.intervals import need

Scores = Float[Array, "..."]


def pair_loss(chosen: Scores, rejected: Scores, margin: Scores | float = 0.0) -> Scores:
    """-log sigmoid(r_chosen - r_rejected - margin).

    OpenRLHF's "LogExp" loss is this with no margin. HelpSteer2 (arXiv 2410.01257) has
    the strength of the preference as `margin`, or multiplies the loss by it ("scaled").
    """
    return jax.nn.softplus(margin - (chosen - rejected))


def soft_pair_loss(first: Scores, second: Scores, preference: Scores) -> Scores:
    """-p log sigmoid(r_first - r_second) - (1 - p) log sigmoid(r_second - r_first).

    p is the chance that the first is the better one, 1/2 for a tie. (ONI's ranking,
    arXiv 2410.23022, where the labels 0, 1 and 2 are p = 1, 0 and 1/2)
    """
    return preference * pair_loss(first, second) + (1 - preference) * pair_loss(
        second, first
    )


def ranking_loss(
    score: Float[Array, "N K"], rating: Float[Array, "N K"]
) -> Float[Array, " N"]:
    """The mean of `pair_loss` over every pair of a list that its ratings tell apart.

    A rating below 0 is padding. A list without such a pair has loss 0. (MORE, arXiv
    2312.07401; the mean, where a sum is possible, is our reading)
    """
    there = rating >= 0
    pairs = (rating[:, :, None] > rating[:, None, :]) & there[:, None, :]
    losses = pair_loss(score[:, :, None], score[:, None, :])
    flat = (len(score), -1)
    return masked.row_mean(losses.reshape(flat), pairs.reshape(flat))


def focal_loss(chosen: Scores, rejected: Scores, gamma: float = 2.0) -> Scores:
    """(1 - p)^gamma * pair_loss with p = 2 max(sigmoid(d) - 1/2, 0).

    Pairs that are already told apart weigh less. (InternLM2, arXiv 2403.17297)
    """
    need("focal_loss", "[0, inf)", gamma=gamma)
    lead = chosen - rejected
    # 1 - p = 2 sigmoid(-d) for d > 0, as a logarithm: a sure pair keeps its digits.
    doubt = jnp.where(lead > 0, jnp.log(2) - jax.nn.softplus(lead), 0)
    return jnp.exp(gamma * doubt) * pair_loss(chosen, rejected)


def centring(chosen: Scores, rejected: Scores) -> Scores:
    """(r_chosen + r_rejected)^2: holds the mean of a pair near 0 (TRL, weight 0.01)."""
    return (chosen + rejected) ** 2


def log_barrier(
    score: Scores, low: float = -5.0, high: float = 5.0, eps: float = 1e-3
) -> Scores:
    """-log(high - r) - log(r - low), with r held `eps` inside the walls.

    Outside of them no gradient flows. xtuner adds the penalties of both rewards of a
    pair and divides by the number of pairs, not of rewards. (arXiv 2403.17297)
    """
    inside = jnp.clip(score, low + eps, high - eps)
    return -jnp.log(high - inside) - jnp.log(inside - low)


def lift_loss(mean: Scores) -> Scores:
    """-log sigmoid(m) of the mean m of the chosen rewards (GRM's code, weight 0.1)."""
    return jax.nn.softplus(-mean)


def text_loss(logp: Scores, beta: float = 0.1) -> Scores:
    """-log sigmoid(beta log pi(y)): a reward model that still writes what was chosen.

    (GRM, arXiv 2406.10216, its variant "sft", weight 0.01)
    """
    return jax.nn.softplus(-beta * logp)


def binary_loss(score: Scores, label: Scores) -> Scores:
    """-y log sigmoid(r) - (1 - y) log sigmoid(-r): whether an outcome is right."""
    return label * jax.nn.softplus(-score) + (1 - label) * jax.nn.softplus(score)


def gaussian_loss(mean: Scores, log_spread: Scores, target: Scores) -> Scores:
    """((y - m) / s)^2 / 2 + log s: a score that says how sure it is, without 2 pi.

    (BRME, arXiv 2409.15360, has heads of mean and spread; this loss is our reading)
    """
    return ((target - mean) * jnp.exp(-log_spread)) ** 2 / 2 + log_spread


def signed_pair(
    first: Scores, second: Scores, label: Scores
) -> tuple[Scores, Scores, Scores]:
    """(chosen, rejected, strength) of a label in -3..3; below 0 the first is preferred.

    A label of 0 counts the second as chosen with strength 0 (NeMo-Aligner): its scaled
    loss is 0, but the plain and the margin loss still push the second up.
    """
    prefers_first = label < 0
    chosen = jnp.where(prefers_first, first, second)
    rejected = jnp.where(prefers_first, second, first)
    return chosen, rejected, jnp.abs(label)


def attribute_regression(
    predicted: Float[Array, "N K"], rating: Float[Array, "N K"], absent: float = -100.0
) -> Float[Array, ""]:
    """Mean of (predicted - rating)^2 over the ratings there are (HelpSteer2).

    A rating equal to `absent` is left out; with none at all the loss is 0.
    """
    there: Bool[Array, "N K"] = rating != absent
    error = jnp.where(there, predicted - rating, 0)
    return masked.mean(error**2, there)
