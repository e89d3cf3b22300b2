"""A constant more, or instead."""

import jax.numpy as jnp

from rewardlab.core import masked
from rewardlab.core.compose import named
from rewardlab.core.narrow import anywhere, on_outcomes
from rewardlab.core.types import (
    Coefficient,
    Reward,
    RewardTransform,
    Rollout,
    SignalName,
    coefficient,
)


@named
def shift(by: Coefficient) -> RewardTransform:
    """r + by."""

    def move(reward: Reward, rollout: Rollout) -> Reward:
        return reward.with_value(reward.value + coefficient(by, rollout))

    return anywhere(move)


@named
def require(name: SignalName, otherwise: Coefficient = -1.0) -> RewardTransform:
    """r in rows whose [N] signal `name` is > 0; in others `otherwise` instead of it.

    A row that fails has `otherwise` on its last reward and 0 on those before, as for
    an answer in the wrong format.
    """

    def replace(reward: Reward, rollout: Rollout) -> Reward:
        passed = rollout.signal(name) > 0
        last = masked.last(reward.placed)
        instead = jnp.where(last, coefficient(otherwise, rollout), 0)
        return reward.with_value(jnp.where(passed[:, None], reward.value, instead))

    return on_outcomes(replace)
