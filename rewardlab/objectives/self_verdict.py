"""The loss of a verdict that the policy itself gives after its last token."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.core import masked
from rewardlab.core.types import Coefficient, Rollout, Static, coefficient
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives.objective import Advantage, Loss, Metrics
from rewardlab.reward_models.laser import finished, self_score


def self_verdict(
    weight: Coefficient = 0.1,
    baseline: float = -23.0,
    beta: float = 0.1,
    token: Static[int] = 0,
) -> Loss:
    """weight (s - r)^2 on the tokens of a finished row, s = beta (l - baseline).

    `l` is the log-prob, in nats, of an unused `token` after the row's end, and r the
    signal `correct`. It teaches the policy to say there what the verifier says, which
    the scorer `self_score` reads. A row that was cut off, or has no verdict, is left
    out. (LaSeR, arXiv 2510.14943, whose mean is over rows: with `sequence_mean()` so is
    this one)

    self_verdict(): l = -18, r = 1 -> 0.1 (0.5 - 1)^2 = 0.025
    """

    def loss(
        stats: TokenStats, rollout: Rollout, advantage: Advantage
    ) -> tuple[Float[Array, "N T"], Metrics]:
        correct = rollout.signal("correct")
        there = masked.speaks(rollout, "correct")
        counts = there & finished(rollout.mask) & jnp.any(rollout.mask, axis=1)
        score = self_score(jnp.asarray(stats.end), baseline, beta)
        squares = jnp.where(counts, (score - jnp.where(there, correct, 0)) ** 2, 0)
        right = ((score > 0.5) == (correct > 0.5)).astype(jnp.float32)
        told = {
            "self_verdict": masked.sum_of(squares, counts),
            "self_accuracy": masked.sum_of(right, counts),
        }
        worth = coefficient(weight, rollout)
        return worth * squares[:, None] * rollout.mask, told

    return loss
