"""A soft gate in the place of the clip (SAPO)."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.core import masked
from rewardlab.core.types import Coefficient, Rollout, coefficient
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives.objective import Advantage, Loss, Metrics
from rewardlab.objectives.ratio import PER_TOKEN, LogRatio


def sapo(
    tau_pos: Coefficient = 1.0,
    tau_neg: Coefficient = 1.05,
    log_ratio: LogRatio = PER_TOKEN,
) -> Loss:
    """-A (4 / tau) sigmoid(tau (r - 1)), tau = tau_pos where A > 0, else tau_neg.

    SAPO, arXiv 2511.20347; it goes with `sequence_mean`. At r = 1 the gradient is -A,
    and it fades on both sides of 1, faster where A < 0.
    """

    def loss(
        stats: TokenStats, rollout: Rollout, advantage: Advantage
    ) -> tuple[Float[Array, "N T"], Metrics]:
        up, down = coefficient(tau_pos, rollout), coefficient(tau_neg, rollout)
        tau = jnp.where(advantage > 0, up, down)
        log_r = log_ratio(stats, rollout)
        gate = jax.nn.sigmoid(tau * jnp.expm1(log_r)) * 4 / tau
        return -advantage * gate, {"ppo_kl": masked.sum_of(-log_r, rollout.mask)}

    return loss
