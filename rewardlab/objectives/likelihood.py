"""Losses that read log-probs or entropies and no advantage."""

from jaxtyping import Array, Float

from rewardlab.core.types import Coefficient, Rollout, coefficient
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives.objective import Advantage, Loss, Metrics


def negative_log_likelihood() -> Loss:
    """-log pi on every True token: supervised warm-up; the advantage is not read."""

    def loss(
        stats: TokenStats, rollout: Rollout, advantage: Advantage
    ) -> tuple[Float[Array, "N T"], Metrics]:
        return -stats.logp, {}

    return loss


def entropy_bonus(weight: Coefficient) -> Loss:
    """-weight * H(pi) a token, H in nats."""

    def loss(
        stats: TokenStats, rollout: Rollout, advantage: Advantage
    ) -> tuple[Float[Array, "N T"], Metrics]:
        return -coefficient(weight, rollout) * stats.entropy, {}

    return loss
