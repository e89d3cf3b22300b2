"""STEER: tokens that would move the policy's entropy much weigh less."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from rewardlab.core.types import Coefficient, Rollout
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives.clipped import clipped
from rewardlab.objectives.objective import Advantage, Loss, Metrics

SMALL = 1e-8  # probabilities are held above it


def steer(
    w_min: float = 0.8,
    w_max: float = 1.2,
    epsilon: Coefficient = 0.2,
    epsilon_high: Coefficient | None = 0.28,
    dual_clip: float | None = 10.0,
) -> Loss:
    """w l; w decreases linearly from w_max to w_min in |entropy change|.

    l is the clipped surrogate. The change is least at w_max and greatest at w_min over
    the True tokens that the loss is given: over a shard or a micro-batch it is that
    of the part, so the split of a batch matters. All equal gives the middle weight. The
    weight carries no gradient; the loss reads `stats.entropy`. (STEER, arXiv
    2510.10150)
    """
    surrogate = clipped(epsilon, epsilon_high, dual_clip)

    def loss(
        stats: TokenStats, rollout: Rollout, advantage: Advantage
    ) -> tuple[Float[Array, "N T"], Metrics]:
        change = entropy_change(stats, rollout, advantage)
        per_token, metrics = surrogate(stats, rollout, advantage)
        return linear_weight(change, rollout, w_min, w_max) * per_token, metrics

    return loss


def steer_exponential(
    w_min: float = 0.8,
    floor: float = 0.02,
    epsilon: Coefficient = 0.2,
    epsilon_high: Coefficient | None = 0.28,
    dual_clip: float | None = 10.0,
) -> Loss:
    """w l, w = exp(-k |entropy change|), which is w_min at the largest change.

    k = -ln(w_min) / max(greatest change, `floor`), and w stays in [w_min, 1]. As
    `steer` otherwise. (arXiv 2510.10150)
    """
    surrogate = clipped(epsilon, epsilon_high, dual_clip)

    def loss(
        stats: TokenStats, rollout: Rollout, advantage: Advantage
    ) -> tuple[Float[Array, "N T"], Metrics]:
        change = entropy_change(stats, rollout, advantage)
        per_token, metrics = surrogate(stats, rollout, advantage)
        return exponential_weight(change, rollout, w_min, floor) * per_token, metrics

    return loss


def entropy_change(
    stats: TokenStats, rollout: Rollout, advantage: Advantage
) -> Float[Array, "N T"]:
    """|A / p_old * p (1 - p) (log p + H)|: how far a step along A moves the entropy H.

    To first order, for each True token; 0 elsewhere, where it is not finite, and
    without gradient.
    """
    inside = lambda x: jnp.where(rollout.mask, lax.stop_gradient(x), 0)  # noqa: E731
    p = jnp.clip(jnp.exp(inside(stats.logp)), SMALL, 1 - SMALL)
    old = jnp.clip(jnp.exp(inside(rollout.logp)), SMALL, 1)
    slope = p * (1 - p) * (jnp.log(p) + inside(stats.entropy))
    change = jnp.abs(inside(advantage) / old * slope)
    return jnp.where(rollout.mask & jnp.isfinite(change), change, 0)


def linear_weight(
    change: Float[Array, "N T"], rollout: Rollout, w_min: float, w_max: float
) -> Float[Array, "N T"]:
    """w_max at the least change of a True token, w_min at the greatest; 0 outside."""
    low = jnp.min(change, where=rollout.mask, initial=jnp.inf)
    width = jnp.max(change, where=rollout.mask, initial=0) - low
    share = (change - low) / jnp.where(width > 0, width, 1)
    weight = w_max - jnp.where(width > 0, share, 0.5) * (w_max - w_min)
    return jnp.where(rollout.mask, weight, 0)


def exponential_weight(
    change: Float[Array, "N T"], rollout: Rollout, w_min: float, floor: float
) -> Float[Array, "N T"]:
    """exp(-k change) in [w_min, 1]; k as in `steer_exponential`; 0 outside the mask."""
    greatest = jnp.max(change, where=rollout.mask, initial=0)
    rate = -jnp.log(w_min) / jnp.maximum(greatest, floor)
    weight = jnp.clip(jnp.exp(-rate * change), w_min, 1)
    return jnp.where(rollout.mask, weight, 0)
