"""What rows of the past are worth now, in the place of what the sentence says."""

import jax.numpy as jnp

from rewardlab.core.compose import coefficient, named, on_one
from rewardlab.core.types import Coefficient, Reward, RewardTransform, Rollout


@named
def recalled(weight: Coefficient = 1.0) -> RewardTransform:
    """A = w R on every token of a row that `recall` brought back, R what it says.

    Of a row of the past with R = 0.6 and w = 0.5 every token gets 0.3, whatever its
    group; other rows keep theirs, and without such rows nothing changes. SPEAR's weight
    rises as cosine(0, 1, steps). (arXiv 2509.22601)
    """

    def instead(reward: Reward, rollout: Rollout) -> Reward:
        if "recalled" not in rollout.signals:
            return reward
        now = coefficient(weight, rollout)
        worth = now * rollout.signals["recalled"][:, None]
        rows = rollout.signals["recalled_valid"][:, None] & rollout.mask
        value = jnp.where(rows, worth, reward.value)
        return Reward(value, jnp.where(rows, True, reward.placed))

    return on_one(instead)
