"""A smooth weight on the ratio of the whole completion (VESPO)."""

import math

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from rewardlab.core import masked
from rewardlab.core.types import Coefficient, Rollout, coefficient
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives.objective import Advantage, Loss, Metrics
from rewardlab.objectives.ratio import gap

LEAST = math.log(1e-8)  # of the log weight of a row
MOST = 20.0  # and of a token


def vespo(
    k_pos: Coefficient = 2.0,
    lambda_pos: Coefficient = 3.0,
    k_neg: Coefficient = 3.0,
    lambda_neg: Coefficient = 2.0,
) -> Loss:
    """-sg(w^k exp(lambda (1 - w))) A log pi, with w = pi / pi_old of the whole row.

    (k, lambda) are those with `_pos` where A >= 0. VESPO, arXiv 2602.10693, as in TRL:
    token log-ratios within +-20, log w within log 1e-8 and 20. The weight is 1 at
    w = 1 and falls off on both sides.
    """

    def loss(
        stats: TokenStats, rollout: Rollout, advantage: Advantage
    ) -> tuple[Float[Array, "N T"], Metrics]:
        now = lambda pos, neg: jnp.where(  # noqa: E731
            advantage >= 0, coefficient(pos, rollout), coefficient(neg, rollout)
        )
        power, rate = now(k_pos, k_neg), now(lambda_pos, lambda_neg)
        tokens = lax.stop_gradient(jnp.clip(gap(stats, rollout), -MOST, MOST))
        log_w = jnp.clip(masked.total(tokens, rollout.mask), LEAST, MOST)[:, None]
        weight = jnp.exp(rate + power * log_w - rate * jnp.exp(log_w))
        metrics = {
            "ppo_kl": masked.sum_of(-tokens, rollout.mask),
            "row_weight": masked.sum_of(weight, rollout.mask),
        }
        return -weight * advantage * stats.logp, metrics

    return loss
