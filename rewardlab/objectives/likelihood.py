"""Losses that read log-probs or entropies and no advantage."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.core import masked
from rewardlab.core.types import Coefficient, Rollout, SignalName, coefficient
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives.objective import Advantage, Loss, Metrics


def negative_log_likelihood() -> Loss:
    """-log pi on every True token: supervised warm-up; the advantage is not read."""

    def loss(
        stats: TokenStats, rollout: Rollout, advantage: Advantage
    ) -> tuple[Float[Array, "N T"], Metrics]:
        return -stats.logp, {}

    return loss


def explain(weight: Coefficient, signal: SignalName) -> Loss:
    """-weight log pi a token of rows that were helped and whose `signal` is above 0.5.

    Such a row was sampled with a hint or is an expert's, and stands under the plain
    prompt: the policy learns to say by itself what it said when it was told. (ExPO,
    arXiv 2507.02834)
    """

    def loss(
        stats: TokenStats, rollout: Rollout, advantage: Advantage
    ) -> tuple[Float[Array, "N T"], Metrics]:
        rows = masked.guided(rollout) & (rollout.signal(signal) > 0.5)
        here = jnp.where(rows[:, None], stats.logp, 0)
        return -coefficient(weight, rollout) * here, {}

    return loss


def entropy_bonus(weight: Coefficient) -> Loss:
    """-weight * H(pi) a token, H in nats."""

    def loss(
        stats: TokenStats, rollout: Rollout, advantage: Advantage
    ) -> tuple[Float[Array, "N T"], Metrics]:
        return -coefficient(weight, rollout) * stats.entropy, {}

    return loss


def positive_nll(weight: Coefficient, rows: SignalName = "positive") -> Loss:
    """-weight * p * log pi a token, with the signal `rows` [N] as p.

    `positive` is the policy's tokens in the batch for each one of a right row, and 0
    for other rows: with `token_mean()` the term is weight times the mean of -log pi
    over the tokens of right rows, 0 where there are none. (VAPO, arXiv 2504.05118)

    Two rows of 3 and 1 tokens, the second right, p = (0, 4): 4 (-log pi) / 4.
    """

    def loss(
        stats: TokenStats, rollout: Rollout, advantage: Advantage
    ) -> tuple[Float[Array, "N T"], Metrics]:
        p = rollout.signal(rows)[:, None]
        each = jnp.where(p > 0, -p * stats.logp, 0)
        return coefficient(weight, rollout) * each, {}

    return loss
