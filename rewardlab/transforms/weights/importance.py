"""Importance weights for rows sampled from another distribution than the policy's.

`rollout.logp` is the policy's before its update; the signal `sampler_logp` [N, T] is
the sampler's (a truncated distribution, another engine).
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import (
    Coefficient,
    Reward,
    RewardTransform,
    Rollout,
    SignalName,
    coefficient,
)
from rewardlab.objectives.correction.weights import (
    drop,
    row_weights,
    token_weights,
    truncate,
)


@named
def truncated_importance(
    max_weight: Coefficient = 2.0,
    per_row: bool = False,
    sampler: SignalName = "sampler_logp",
) -> RewardTransform:
    """A_t = min(w_t, max_weight) A_t, with w_t = pi / pi_sampler of the token (TIS).

    A = 1 and w = (0.5, 3) with max_weight = 2 -> (0.5, 2).

    With `per_row`, w is that of the whole row: exp of the sum of its tokens'
    log-ratios. V-trace truncates so (IMPALA, arXiv 1802.01561); log-ratios are clipped
    to +-20, as in verl.
    """

    def scale(reward: Reward, rollout: Rollout) -> Reward:
        weight = _importance(rollout, sampler, per_row)
        held = truncate(weight, coefficient(max_weight, rollout))
        return reward.with_value(reward.value * held)

    return per_channel(scale)


@named
def masked_importance(
    min_weight: Coefficient = 0.5,
    max_weight: Coefficient = 5.0,
    per_row: bool = False,
    sampler: SignalName = "sampler_logp",
) -> RewardTransform:
    """A_t = w_t A_t where min_weight <= w_t <= max_weight, else 0 (MIS).

    A = 1 and w = (0.4, 2, 6) with the defaults -> (0, 2, 0).

    w_t = pi / pi_sampler of the token, or with `per_row` of the whole row. IcePop
    (Ring-1T, arXiv 2510.18855) has the default bounds. Dropped tokens stay in the count
    of the loss's mean.
    """

    def scale(reward: Reward, rollout: Rollout) -> Reward:
        weight = _importance(rollout, sampler, per_row)
        low, high = (coefficient(c, rollout) for c in (min_weight, max_weight))
        return reward.with_value(reward.value * drop(weight, high, low))

    return per_channel(scale)


def _importance(
    rollout: Rollout, sampler: SignalName, per_row: bool
) -> Float[Array, "N T"]:
    gap = rollout.logp - rollout.signal(sampler)
    make = row_weights if per_row else token_weights
    return make(jnp.where(rollout.mask, gap, 0), rollout.mask)
