"""A trust region in probabilities: what moved too far is not moved further."""

from collections.abc import Callable

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked
from rewardlab.core.lookup import look_up
from rewardlab.core.types import Coefficient, Rollout, SignalName, Static, coefficient
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives.clipped import share
from rewardlab.objectives.correction.rejection import binary_kl
from rewardlab.objectives.objective import Advantage, Loss, Metrics
from rewardlab.objectives.ratio import PER_TOKEN, gap

PerToken = Float[Array, "N T"]
Top = Float[Array, "N T K"]
LIMIT = 20.0
LEFT = 1e-12  # what is left of 1 is held above it


def total_variation(logp: PerToken, old: PerToken) -> PerToken:
    """|p - b| of the sampled token against the rest."""
    return jnp.abs(jnp.exp(logp) - jnp.exp(old))


def forward_kl(logp: PerToken, old: PerToken) -> PerToken:
    """KL(b || p) of the sampled token against the rest, nats."""
    return binary_kl(old, logp)


def top_total_variation(logp: Top, old: Top) -> PerToken:
    """(sum_v |p_v - b_v| + |p_o - b_o|) / 2; o is what is left of 1."""
    p, b = jnp.exp(logp), jnp.exp(old)
    rest = jnp.abs(jnp.sum(p, axis=-1) - jnp.sum(b, axis=-1))
    return (jnp.sum(jnp.abs(p - b), axis=-1) + rest) / 2


def top_forward_kl(logp: Top, old: Top) -> PerToken:
    """sum_v b_v log(b_v / p_v) + b_o log(b_o / p_o), nats; o is what is left of 1."""
    p, b = jnp.exp(logp), jnp.exp(old)
    each = jnp.where(b > 0, b * (jnp.where(b > 0, old, 0) - logp), 0)
    p_rest, b_rest = (jnp.maximum(1 - jnp.sum(x, axis=-1), LEFT) for x in (p, b))
    return jnp.sum(each, axis=-1) + b_rest * jnp.log(b_rest / p_rest)


DIVERGENCES = {"kl": forward_kl, "tv": total_variation}
TOP_DIVERGENCES = {"kl": top_forward_kl, "tv": top_total_variation}


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

    def moved(stats: TokenStats, rollout: Rollout) -> PerToken:
        return distance(lax.stop_gradient(stats.logp), rollout.logp)

    return within_region(moved, low, high, cap)


def dppo_top_k(
    low: Coefficient = 0.15,
    high: Coefficient = 0.15,
    k: Static[int] = 20,
    divergence: str = "tv",
    cap: Coefficient = 10.0,
    ids: SignalName = "top_ids",
    logp: SignalName = "top_logp",
) -> Loss:
    """As `dppo`, by how far the `k` likeliest tokens and all others as one have moved.

    b_v and p_v are the probabilities of token v of `ids` when the sampler chose (exp of
    `logp`, both [N, T, K]) and now, b_o and p_o what is left of 1. `divergence` is
    "tv", (sum_v |p_v - b_v| + |p_o - b_o|) / 2, or "kl", sum_v b_v log(b_v / p_v) + b_o
    log(b_o / p_o), nats. The sampled token is one of the k, in the place of the last
    where it is not among the likeliest, so k = 1 is `dppo`; of a k of the whole
    vocabulary or more it is the distance of the two distributions.
    (DPPO's top-k modes, arXiv 2602.04879)

    A = 1, the sampled of k = 2 from 0.5 to 0.6, the other from 0.3 to 0.1: tv 0.2 -> 0
    """
    distance = look_up(divergence, "divergence", TOP_DIVERGENCES)

    def moved(stats: TokenStats, rollout: Rollout) -> PerToken:
        chosen, then = rollout.signal(ids), rollout.signal(logp)
        if jnp.shape(stats.among) != chosen.shape:
            raise ValueError(
                f"dppo_top_k reads log-probs of {ids!r} {chosen.shape}, and `among` "
                f"has the shape {jnp.shape(stats.among)}; give `log_probs` these ids"
            )
        return distance(lax.stop_gradient(jnp.asarray(stats.among)), then)

    return within_region(moved, low, high, cap)


def within_region(
    moved: Callable[[TokenStats, Rollout], PerToken],
    low: Coefficient,
    high: Coefficient,
    cap: Coefficient,
) -> Loss:
    """-min(p / b, cap) A log pi, held but for log pi, of tokens that `moved` little."""

    def loss(
        stats: TokenStats, rollout: Rollout, advantage: Advantage
    ) -> tuple[PerToken, Metrics]:
        now = lax.stop_gradient(stats.logp)
        bounds = coefficient(low, rollout), coefficient(high, rollout)
        rise = jnp.where(rollout.mask, now - rollout.logp, 0)
        keep = within(moved(stats, rollout), rise, advantage, *bounds)
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
