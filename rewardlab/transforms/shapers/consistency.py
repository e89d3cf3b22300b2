"""A bonus for reasoning that makes its own answer likely under a reference model."""

import math

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked
from rewardlab.core.compose import named, per_channel
from rewardlab.core.placed import map_last
from rewardlab.core.types import (
    Coefficient,
    Reward,
    RewardTransform,
    Rollout,
    SignalName,
    coefficient,
)


@named
def consistency_bonus(
    answer: SignalName = "is_answer",
    ref: SignalName = "ref_logp",
    coef: Coefficient = 0.5,
    threshold: float = 0.1,
    margin: float = 0.0,
    max_confidence: float = math.inf,
) -> RewardTransform:
    """r + coef r for accurate rows whose answer the reference finds likely enough.

    An accurate row with r = 1 and a confident answer -> 1.5 with coef = 0.5.

    A row is accurate if its total is above `threshold` and at least its group's mean.
    It is confident if it reaches the mean confidence of the group's accurate rows, less
    `margin`. Confidence is the geometric mean probability of the tokens marked in
    `answer` [N, T] under the log-probs `ref` [N, T], at most `max_confidence`. The
    bonus is on the row's last reward. (GRPO-CARE, arXiv 2506.16141)
    """

    def pay(reward: Reward, rollout: Rollout) -> Reward:
        row, marked = reward.total, rollout.signal(answer) > 0
        sure = confidence(rollout.signal(ref), marked & rollout.mask, max_confidence)
        accurate = reward.has_value & (row > threshold)
        accurate &= _at_least_mean(row, reward.has_value, 0.0, rollout)
        paid = accurate & _at_least_mean(sure, accurate, margin, rollout)
        bonus = jnp.where(paid, coefficient(coef, rollout) * row, 0)
        return map_last(reward, jnp.add, bonus)

    return per_channel(pay)


def confidence(
    logp: Float[Array, "N T"], answer: Bool[Array, "N T"], max_value: float = math.inf
) -> Float[Array, " N"]:
    """min(exp(mean log p of the answer's tokens), max_value); 1 without an answer."""
    return jnp.minimum(jnp.exp(masked.row_mean(logp, answer)), max_value)


def _at_least_mean(
    x: Float[Array, " N"], rows: Bool[Array, " N"], slack: float, rollout: Rollout
) -> Bool[Array, " N"]:
    # Rounding must not put a number below a mean that it equals.
    sums = masked.sum_over_group(jnp.where(rows, x, 0), rollout)
    mean = masked.safe_divide(
        sums, masked.sum_over_group(rows.astype(jnp.int32), rollout)
    )
    rounding = 8 * jnp.finfo(x.dtype).eps * jnp.maximum(jnp.abs(x), jnp.abs(mean))
    return rows & (x >= mean - slack - rounding)
