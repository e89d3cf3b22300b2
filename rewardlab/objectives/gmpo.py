"""The geometric mean of a row's clipped ratios (GMPO)."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.core import masked
from rewardlab.core.types import Coefficient, Rollout
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives.clipped import bounds, share
from rewardlab.objectives.objective import Advantage, Loss, Metrics
from rewardlab.objectives.ratio import PER_TOKEN, LogRatio


def gmpo(
    epsilon: Coefficient = 0.4,
    epsilon_high: Coefficient | None = None,
    log_ratio: LogRatio = PER_TOKEN,
) -> Loss:
    """-mean(A) exp(mean e), e = s min(s d, s clip(d, -eps, eps_high)), s = sign A.

    d is the token's log-ratio and means are over a row's tokens. Bounds are in log
    space, e^-0.4 and e^0.4 in the paper: GMPO, arXiv 2507.20673. A row's loss stands on
    each of its tokens; it goes with `sequence_mean_all`.
    """

    def loss(
        stats: TokenStats, rollout: Rollout, advantage: Advantage
    ) -> tuple[Float[Array, "N T"], Metrics]:
        low, high = bounds(epsilon, epsilon_high, rollout)
        mask, sign = rollout.mask, jnp.sign(advantage)
        log_r = log_ratio(stats, rollout)
        held = jnp.clip(log_r, -low, high)
        worse = sign * jnp.minimum(sign * log_r, sign * held)
        rho = jnp.exp(masked.row_mean(worse, mask))
        row = -masked.row_mean(advantage, mask) * rho
        outside = log_r != held
        metrics = {
            "ppo_kl": masked.sum_of(-log_r, mask),
            "clip_ratio/positive_mean": share(outside & (advantage > 0), rollout),
            "clip_ratio/negative_mean": share(outside & (advantage < 0), rollout),
        }
        return jnp.broadcast_to(row[:, None], mask.shape), metrics

    return loss
