"""Returns that end with the step: each action is an episode of its own."""

import jax.numpy as jnp

from rewardlab.core import masked, recursions
from rewardlab.core.compose import named, on_one
from rewardlab.core.types import (
    Coefficient,
    Reward,
    RewardTransform,
    Rollout,
    coefficient,
    place,
)


@named
def returns_within_steps(discount: Coefficient = 1.0) -> RewardTransform:
    """G_t = r_t + discount * G_{t+1} over the True tokens of a step; 0 after its end.

    Steps (1, 2) and (0, 3) with discount = 1 -> (3, 2, 3, 3).

    As `returns_to_go` with every action a row: what later actions earn does not count.
    (MAPPA, arXiv 2601.23228)
    """

    def accumulate(reward: Reward, rollout: Rollout) -> Reward:
        ends, rate = masked.step_ends(rollout), coefficient(discount, rollout)
        keep = jnp.where(ends, 0.0, jnp.where(rollout.mask, rate, 1.0))
        value = recursions.accumulate(reward.value, keep)
        return place(value, rollout.mask & reward.has_value[:, None])

    return on_one(accumulate)
