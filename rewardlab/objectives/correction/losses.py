"""Losses and objectives that know that another policy sampled the rows.

`rollout.logp` is pi_old. Where the sampler's own numbers differ (a truncated
distribution, another engine) they are the signal `sampler_logp`. Weights that depend on
the sampler and pi_old alone need nothing of this: they are words of a sentence
(`truncated_importance`), for clipped losses scale with the advantage.
"""

import dataclasses
from collections.abc import Callable

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked
from rewardlab.core.types import Coefficient, Rollout, SignalName, Sum, coefficient
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives.clipped import clipped, share
from rewardlab.objectives.objective import Advantage, Loss, Metrics, Objective

Weight = Callable[[TokenStats, Rollout], Float[Array, "N T"]]
Keep = Callable[[TokenStats, Rollout], Bool[Array, "N T"]]


def weighted(loss: Loss, weight: Weight) -> Loss:
    """w * loss a token; the weight may read the policy of now and has no gradient."""

    def heavier(
        stats: TokenStats, rollout: Rollout, advantage: Advantage
    ) -> tuple[Float[Array, "N T"], Metrics]:
        value, metrics = loss(stats, rollout, advantage)
        w = lax.stop_gradient(weight(stats, rollout))
        return jnp.where(rollout.mask, w, 0) * value, metrics

    return heavier


def against(loss: Loss, sampler: SignalName = "sampler_logp") -> Loss:
    """The loss with the sampler as pi_old: one ratio for both gaps (bypass mode)."""

    def bypassing(
        stats: TokenStats, rollout: Rollout, advantage: Advantage
    ) -> tuple[Float[Array, "N T"], Metrics]:
        logp = jnp.where(rollout.mask, rollout.signal(sampler), 0)
        return loss(stats, dataclasses.replace(rollout, logp=logp), advantage)

    return bypassing


def rejecting(objective: Objective, keep: Keep) -> Objective:
    """The objective of the tokens that `keep` leaves in the mask.

    Rejected tokens leave the counts too. To keep them in the counts, give their
    advantage or loss a weight of 0 instead.
    """

    def rejected(
        stats: TokenStats, rollout: Rollout, advantage: Advantage
    ) -> tuple[Sum, Metrics]:
        mask = rollout.mask & keep(stats, rollout)
        total, metrics = objective(
            stats, dataclasses.replace(rollout, mask=mask), advantage
        )
        return total, {**metrics, "kept": share(mask, rollout)}

    return rejected


def near_policy(
    stats: TokenStats,
    rollout: Rollout,
    advantage: Advantage,
    delta: Coefficient,
    sampler: SignalName = "",
) -> Bool[Array, "N T"]:
    """A >= 0, or mean_t(log pi_sampler - log pi) <= delta (DeepSeek-V3.2, 2512.02556).

    What the policy has left is not to be pushed down further. The sampler is
    `rollout.logp`, or a signal.
    """
    logp = rollout.signal(sampler) if sampler else rollout.logp
    now = lax.stop_gradient(stats.logp)
    left = masked.row_mean(logp - now, rollout.mask)[:, None]
    return (advantage >= 0) | (left <= coefficient(delta, rollout))


def mask_off_policy(
    epsilon: Coefficient = 0.2,
    epsilon_high: Coefficient | None = None,
    dual_clip: float | None = None,
    off_policy_delta: Coefficient = 0.5,
) -> Loss:
    """PPO's clip, and 0 where A < 0 in rows that the policy has left by over delta.

    The off-policy sequence mask of DeepSeek-V3.2, arXiv 2512.02556, which gives no
    delta. Masked tokens stay in the count.
    """
    surrogate = clipped(epsilon, epsilon_high, dual_clip)

    def loss(
        stats: TokenStats, rollout: Rollout, advantage: Advantage
    ) -> tuple[Float[Array, "N T"], Metrics]:
        value, metrics = surrogate(stats, rollout, advantage)
        keep = near_policy(stats, rollout, advantage, off_policy_delta)
        kept = {"off_policy/kept_mean": share(keep, rollout)}
        return jnp.where(keep, value, 0), {**metrics, **kept}

    return loss
