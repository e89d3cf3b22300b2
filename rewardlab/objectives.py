"""Objectives: (token statistics, rollout, advantage) -> `Sum`.

An objective is a list of per-token losses and one aggregation. Losses are what papers
differ in by a line; an aggregation is a weight for each token and a count for each row,
so that sums over shards and micro-batches divide once, by the count of the whole batch.
"""

from collections.abc import Callable

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from rewardlab import masked
from rewardlab.models.logprobs import TokenStats
from rewardlab.types import Coefficient, Rollout, Sum, coefficient

Advantage = Float[Array, "N T"]
Metrics = dict[str, Sum]
Loss = Callable[[TokenStats, Rollout, Advantage], tuple[Float[Array, "N T"], Metrics]]
Aggregation = Callable[
    [Bool[Array, "N T"]], tuple[Float[Array, "N T"], Float[Array, " N"]]
]
Objective = Callable[[TokenStats, Rollout, Advantage], tuple[Sum, Metrics]]


def objective(*losses: Loss, aggregate: Aggregation) -> Objective:
    """The sum of per-token losses, aggregated: sum_it w_it l_it / sum_i c_i."""

    def total(
        stats: TokenStats, rollout: Rollout, advantage: Advantage
    ) -> tuple[Sum, Metrics]:
        parts = [loss(stats, rollout, advantage) for loss in losses]
        per_token = sum(part for part, _ in parts)
        weight, count = aggregate(rollout.mask)
        value = jnp.sum(jnp.where(rollout.mask, weight * per_token, 0))
        metrics = {k: v for _, named in parts for k, v in named.items()}
        return Sum(value, jnp.sum(count)), metrics

    return total


def token_mean(
    mask: Bool[Array, "N T"],
) -> tuple[Float[Array, "N T"], Float[Array, " N"]]:
    """Every token counts once (DAPO, arXiv 2503.14476)."""
    return jnp.ones(mask.shape), jnp.sum(mask, axis=1).astype(jnp.float32)


def sequence_mean(
    mask: Bool[Array, "N T"],
) -> tuple[Float[Array, "N T"], Float[Array, " N"]]:
    """Mean over non-empty rows of the row's token mean (GRPO, arXiv 2402.03300)."""
    length = jnp.sum(mask, axis=1)
    weight = 1 / jnp.maximum(length, 1)[:, None]
    return jnp.broadcast_to(weight, mask.shape), jnp.minimum(length, 1) * 1.0


def sequence_sum(
    mask: Bool[Array, "N T"],
) -> tuple[Float[Array, "N T"], Float[Array, " N"]]:
    """Mean over non-empty rows of the row's token sum (REINFORCE)."""
    rows = jnp.any(mask, axis=1)
    return jnp.ones(mask.shape), rows.astype(jnp.float32)


def constant(length: int) -> Aggregation:
    """Token sum / (rows * length), whatever the lengths (Dr. GRPO, arXiv 2503.20783).

    `length` is the generation limit in tokens; empty rows count too.
    """

    def aggregate(
        mask: Bool[Array, "N T"],
    ) -> tuple[Float[Array, "N T"], Float[Array, " N"]]:
        return jnp.ones(mask.shape), jnp.full(mask.shape[:1], float(length))

    return aggregate


def clipped_surrogate(
    epsilon: Coefficient = 0.2,
    epsilon_high: Coefficient | None = None,
    dual_clip: float | None = None,
) -> Loss:
    """max(-A r, -A clip(r, 1-eps, 1+eps_high)) with r = pi / pi_sampler.

    PPO, arXiv 1707.06347; a higher upper bound is DAPO's (2503.14476). With
    `dual_clip` c > 1, where A < 0 the loss is at most -c A (1912.09729). The log-ratio
    is held within +-20, outside of which no gradient flows.
    """

    def loss(
        stats: TokenStats, rollout: Rollout, advantage: Advantage
    ) -> tuple[Float[Array, "N T"], Metrics]:
        low = coefficient(epsilon, rollout)
        high = low if epsilon_high is None else coefficient(epsilon_high, rollout)
        gap = jnp.where(rollout.mask, stats.logp - rollout.logp, 0)
        ratio = jnp.exp(jnp.clip(gap, -20, 20))
        plain = -advantage * ratio
        clipped = -advantage * jnp.clip(ratio, 1 - low, 1 + high)
        worse = jnp.maximum(plain, clipped)
        count = lambda where: masked.sum_of(1.0 * where, rollout.mask)  # noqa: E731
        metrics = {
            "ppo_kl": masked.sum_of(-gap, rollout.mask),
            "clip_ratio/region_mean": count(clipped > plain),
            "clip_ratio/low_mean": count((ratio < 1 - low) & (advantage < 0)),
            "clip_ratio/high_mean": count((ratio > 1 + high) & (advantage > 0)),
        }
        if dual_clip is not None:
            bound = -dual_clip * advantage
            metrics["clip_ratio/dual_mean"] = count((worse > bound) & (advantage < 0))
            worse = jnp.where(advantage < 0, jnp.minimum(worse, bound), worse)
        return worse, metrics

    return loss


def negative_log_likelihood() -> Loss:
    """-log pi on every True token: supervised warm-up; the advantage is not read."""

    def loss(
        stats: TokenStats, rollout: Rollout, advantage: Advantage
    ) -> tuple[Float[Array, "N T"], Metrics]:
        return -stats.logp, {}

    return loss


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


def entropy_bonus(weight: Coefficient) -> Loss:
    """-weight * H(pi) a token, H in nats."""

    def loss(
        stats: TokenStats, rollout: Rollout, advantage: Advantage
    ) -> tuple[Float[Array, "N T"], Metrics]:
        return -coefficient(weight, rollout) * stats.entropy, {}

    return loss
