"""The clipped surrogate of PPO, and what it became."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.core import masked
from rewardlab.core.types import Coefficient, Rollout, SignalName, Sum, coefficient
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives.objective import Advantage, Loss, Metrics
from rewardlab.objectives.ratio import PER_TOKEN, LogRatio


def clipped(
    epsilon: Coefficient = 0.2,
    epsilon_high: Coefficient | None = None,
    dual_clip: float | None = None,
    log_ratio: LogRatio = PER_TOKEN,
    width: SignalName = "",
) -> Loss:
    """max(-A r, -A clip(r, 1-eps, 1+eps_high)) with r = pi / pi_old.

    PPO, arXiv 1707.06347; a higher upper bound is DAPO's (2503.14476). With
    `dual_clip` c > 1, where A < 0 the loss is at most -c A (1912.09729; TRL's `delta`).
    The signal `width` [N, T] multiplies both eps of a token (A2TGPO, 2605.06200).
    """

    def loss(
        stats: TokenStats, rollout: Rollout, advantage: Advantage
    ) -> tuple[Float[Array, "N T"], Metrics]:
        low, high = bounds(epsilon, epsilon_high, rollout)
        if width:
            scale = jnp.where(rollout.mask, rollout.signal(width), 1)
            low, high = low * scale, high * scale
        log_r = log_ratio(stats, rollout)
        ratio = jnp.exp(log_r)
        plain = -advantage * ratio
        clipped = -advantage * jnp.clip(ratio, 1 - low, 1 + high)
        worse = jnp.maximum(plain, clipped)
        metrics = {
            "ppo_kl": masked.sum_of(-log_r, rollout.mask),
            "clip_ratio/region_mean": share(clipped > plain, rollout),
            "clip_ratio/low_mean": share((ratio < 1 - low) & (advantage < 0), rollout),
            "clip_ratio/high_mean": share(
                (ratio > 1 + high) & (advantage > 0), rollout
            ),
        }
        if dual_clip is not None:
            bound = -dual_clip * advantage
            beyond = (worse > bound) & (advantage < 0)
            metrics["clip_ratio/dual_mean"] = share(beyond, rollout)
            worse = jnp.where(advantage < 0, jnp.minimum(worse, bound), worse)
        return worse, metrics

    return loss


def bounds(
    epsilon: Coefficient, epsilon_high: Coefficient | None, rollout: Rollout
) -> tuple[float | Array, float | Array]:
    """(eps, eps_high) now; without an upper one both are eps."""
    low = coefficient(epsilon, rollout)
    high = low if epsilon_high is None else coefficient(epsilon_high, rollout)
    return low, high


def share(where: Array, rollout: Rollout) -> Sum:
    """The share of True tokens on which `where` holds, as a `Sum`."""
    return masked.sum_of(1.0 * where, rollout.mask)
