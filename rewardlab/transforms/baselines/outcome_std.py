"""Divide credit by the spread of what it is credit for."""

import jax.numpy as jnp

from rewardlab.core import masked
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import (
    Coefficient,
    Reward,
    RewardTransform,
    Rollout,
    SignalName,
    coefficient,
)


@named
def scale_by_outcome_std(
    name: SignalName, eps: Coefficient = 1e-6, ddof: int = 1
) -> RewardTransform:
    """A_t / (std + eps), std of the signal `name` [N] over the group's rows.

    Outcomes 1 and 0 of a group, whose std is 0.707, and A = 1/2 -> 0.707.

    As `scale_by_group_std`, for credit that stands on many tokens: the std is that of
    the outcomes, one a row, over n - ddof. Rows that abstain or have no token are not
    in it; with at most `ddof` rows it counts as 1. (TEMPO, arXiv 2509.18314)
    """

    def scale(reward: Reward, rollout: Rollout) -> Reward:
        value, heard = masked.heard(rollout, name)
        n = masked.sum_over_group(heard.astype(jnp.int32), rollout)
        least = masked.group_min(jnp.where(heard, value, jnp.inf), rollout)
        away = jnp.where(heard, value - least, 0)
        mean = masked.safe_divide(masked.sum_over_group(away, rollout), n)
        squares = jnp.where(heard, (away - mean) ** 2, 0)
        var = masked.safe_divide(masked.sum_over_group(squares, rollout), n - ddof)
        std = jnp.where(n > ddof, jnp.sqrt(var), 1) + coefficient(eps, rollout)
        return reward.map(jnp.divide, jnp.where(std > 0, std, 1))

    return per_channel(scale)
