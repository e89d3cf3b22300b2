"""A trust region in probabilities: what moved too far is not moved further."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked
from rewardlab.core.lookup import look_up
from rewardlab.core.types import Coefficient, Rollout, coefficient
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives.clipped import share
from rewardlab.objectives.correction.rejection import binary_kl
from rewardlab.objectives.objective import Advantage, Loss, Metrics
from rewardlab.objectives.ratio import PER_TOKEN, gap

PerToken = Float[Array, "N T"]
LIMIT = 20.0


def total_variation(logp: PerToken, old: PerToken) -> PerToken:
    """|p - b| of the sampled token against the rest."""
    return jnp.abs(jnp.exp(logp) - jnp.exp(old))


def forward_kl(logp: PerToken, old: PerToken) -> PerToken:
    """KL(b || p) of the sampled token against the rest, nats."""
    return binary_kl(old, logp)


DIVERGENCES = {"kl": forward_kl, "tv": total_variation}


def within(
    divergence: PerToken,
    rise: PerToken,
    advantage: Advantage,
    low: float | Array,
    high: float | Array,
) -> Bool[Array, "N T"]:
    """False where the probability rose and A > 0, or fell and A <= 0, by more than
    the bound of that side."""
    up = (rise > 0) & (divergence > high)
    down = (rise < 0) & (divergence > low)
    return ~jnp.where(advantage > 0, up, down)


def dppo(
    low: Coefficient = 0.15,
    high: Coefficient = 0.15,
    divergence: str = "tv",
    cap: Coefficient = 10.0,
) -> Loss:
    """-min(p / b, cap) A log pi, held but for log pi, where the move is within bounds.

    b and p are the probabilities of the sampled token when it was sampled (exp of
    `rollout.logp`) and now. A token drops out, with gradient 0 and in the same count,
    if the update would carry it on: A > 0, p > b and a divergence above `high`, or
    A <= 0, p < b and one above `low`. `divergence` is "tv", |p - b|, or "kl",
    KL(b || p) of the token against all others, nats. Unlike a clip of the ratio it lets
    rare tokens move by factors and holds likely ones by points. (DPPO, arXiv
    2602.04879)

    b = 0.5, A = 1, bounds of 0.15: p = 0.7 -> 0; p = 0.6 -> -1.2 log pi
    """
    distance = look_up(divergence, "divergence", DIVERGENCES)

    def loss(
        stats: TokenStats, rollout: Rollout, advantage: Advantage
    ) -> tuple[PerToken, Metrics]:
        now = lax.stop_gradient(stats.logp)
        moved = distance(now, rollout.logp)
        bounds = coefficient(low, rollout), coefficient(high, rollout)
        rise = jnp.where(rollout.mask, now - rollout.logp, 0)
        keep = within(moved, rise, advantage, *bounds)
        ratio = jnp.exp(jnp.minimum(rise, LIMIT))
        weight = jnp.minimum(ratio, coefficient(cap, rollout))
        metrics = {
            "ppo_kl": masked.sum_of(-gap(stats, rollout), rollout.mask),
            "clip_ratio/region_mean": share(~keep, rollout),
        }
        return jnp.where(keep, -advantage * weight * stats.logp, 0), metrics

    return loss


def dppo_ratio(
    low: Coefficient = 0.2, high: Coefficient = 0.2, drift: Coefficient = 0.0
) -> Loss:
    """-A p / b where the move is within bounds, + drift (log p / b)^2 everywhere.

    As `dppo` by total variation, with the gradient through the ratio, which no cap
    holds, and a price on leaving the policy that sampled, in nats squared. (prime-rl's
    default loss)

    b = 0.5, p = 0.6, A = 1, drift 0 -> -1.2
    """

    def loss(
        stats: TokenStats, rollout: Rollout, advantage: Advantage
    ) -> tuple[PerToken, Metrics]:
        now = lax.stop_gradient(stats.logp)
        rise = jnp.where(rollout.mask, now - rollout.logp, 0)
        bounds = coefficient(low, rollout), coefficient(high, rollout)
        moved = total_variation(now, rollout.logp)
        keep = within(moved, rise, advantage, *bounds)
        log_ratio = PER_TOKEN(stats, rollout)
        value = jnp.where(keep, -advantage * jnp.exp(log_ratio), 0)
        metrics = {
            "ppo_kl": masked.sum_of(-log_ratio, rollout.mask),
            "clip_ratio/region_mean": share(~keep, rollout),
        }
        return value + coefficient(drift, rollout) * log_ratio**2, metrics

    return loss
