"""Add a constant, or put one in place of a reward."""

import jax.numpy as jnp

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
def shift(by: Coefficient) -> RewardTransform:
    """r + by.

    (0, 1) with by = -1 -> (-1, 0).
    """

    def move(reward: Reward, rollout: Rollout) -> Reward:
        more = coefficient(by, rollout)
        return reward.map(lambda r: r + more)

    return per_channel(move)


@named
def require(name: SignalName, otherwise: Coefficient = -1.0) -> RewardTransform:
    """r in rows whose [N] signal `name` is > 0; in other rows `otherwise` instead.

    r = 1 in a row with name = 0 -> -1.

    A row that fails has `otherwise` on its last reward and 0 on those before, for
    instance for an answer in the wrong format.
    """

    def replace(reward: Reward, rollout: Rollout) -> Reward:
        passed = rollout.signal(name) > 0
        instead = coefficient(otherwise, rollout)
        reward = reward.map(lambda r, passed: jnp.where(passed, r, 0), passed)
        fail = lambda r, passed: jnp.where(passed, r, instead)  # noqa: E731
        return map_last(reward, fail, passed)

    return per_channel(replace)
