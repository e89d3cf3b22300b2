"""Estimators of KL(pi || ref) from one sample, and the loss that they make."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from rewardlab import masked
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives.objective import Advantage, Loss, Metrics
from rewardlab.types import Coefficient, Rollout, coefficient


def kl_k1(logp: Float[Array, "..."], ref: Float[Array, "..."]) -> Float[Array, "..."]:
    """log pi - log ref: unbiased; as a loss its expected gradient is 0."""
    return logp - ref


def kl_k2(logp: Float[Array, "..."], ref: Float[Array, "..."]) -> Float[Array, "..."]:
    """(log pi - log ref)^2 / 2: biased, with the gradient of KL(pi || ref)."""
    return (logp - ref) ** 2 / 2


def kl_k3(logp: Float[Array, "..."], ref: Float[Array, "..."]) -> Float[Array, "..."]:
    """ref/pi - log(ref/pi) - 1: unbiased and never negative; 0..10, log-ratio +-20."""
    gap = jnp.clip(ref - logp, -20, 20)
    return jnp.clip(jnp.exp(gap) - gap - 1, -10, 10)


def kl_abs(logp: Float[Array, "..."], ref: Float[Array, "..."]) -> Float[Array, "..."]:
    """|log pi - log ref|: a distance, not an estimate of KL."""
    return jnp.abs(logp - ref)


KL_ESTIMATORS = {"k1": kl_k1, "abs": kl_abs, "k2": kl_k2, "k3": kl_k3}


def kl_loss(beta: Coefficient, kind: str = "k3") -> Loss:
    """beta * KL(pi || ref) a token, from the signal `ref_logp`.

    `kind` names an estimator of `KL_ESTIMATORS` (Schulman, "Approximating KL
    divergence", 2020).
    """
    if kind not in KL_ESTIMATORS:
        raise ValueError(f"no KL estimator {kind!r}; have {list(KL_ESTIMATORS)}")

    def loss(
        stats: TokenStats, rollout: Rollout, advantage: Advantage
    ) -> tuple[Float[Array, "N T"], Metrics]:
        if "ref_logp" not in rollout.signals:
            have = sorted(rollout.signals)
            raise ValueError(f"no signal 'ref_logp' for the KL loss; have {have}")
        kl = KL_ESTIMATORS[kind](stats.logp, rollout.signals["ref_logp"])
        metrics = {"kl": masked.sum_of(lax.stop_gradient(kl), rollout.mask)}
        return coefficient(beta, rollout) * kl, metrics

    return loss
