"""REINFORCE with a clipped importance weight that carries no gradient (CISPO)."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from rewardlab.core import masked
from rewardlab.core.types import Coefficient, Rollout
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives.clipped import bounds, share
from rewardlab.objectives.objective import Advantage, Loss, Metrics
from rewardlab.objectives.ratio import PER_TOKEN, LogRatio


def cispo(
    epsilon: Coefficient = 0.2,
    epsilon_high: Coefficient | None = None,
    log_ratio: LogRatio = PER_TOKEN,
) -> Loss:
    """-sg(clip(r, 1-eps, 1+eps_high)) A log pi: no token loses its gradient.

    MiniMax-M1, arXiv 2506.13585, with verl's bounds around 1. TRL's `epsilon_high` is
    the cap itself and it has no floor: epsilon=1, epsilon_high=cap - 1.
    """

    def loss(
        stats: TokenStats, rollout: Rollout, advantage: Advantage
    ) -> tuple[Float[Array, "N T"], Metrics]:
        low, high = bounds(epsilon, epsilon_high, rollout)
        log_r = lax.stop_gradient(log_ratio(stats, rollout))
        ratio = jnp.exp(log_r)
        weight = jnp.clip(ratio, 1 - low, 1 + high)
        metrics = {
            "ppo_kl": masked.sum_of(-log_r, rollout.mask),
            "clip_ratio/region_mean": share(ratio != weight, rollout),
        }
        return -weight * advantage * stats.logp, metrics

    return loss
