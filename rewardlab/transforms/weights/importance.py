"""Rows that another distribution sampled count by how likely the policy finds them.

`rollout.logp` is the policy before its update; the signal `sampler_logp` [N, T] is what
the sampler says of its own tokens (a truncated distribution, another engine).
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

    With `per_row`, of the whole row: exp of the sum of its tokens' log-ratios. V-trace
    truncates so (IMPALA, arXiv 1802.01561); log-ratios count within +-20, as in verl.
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

    w_t = pi / pi_sampler of the token. With `per_row`, of the whole row. IcePop
    (Ring-1T, arXiv 2510.18855) does so with the bounds of the defaults. What is dropped
    stays in the count of the loss's mean.
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
