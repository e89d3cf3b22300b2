"""The clipped surrogate of PPO, and what it became."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab import masked
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives.objective import Advantage, Loss, Metrics
from rewardlab.types import Coefficient, Rollout, coefficient


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
