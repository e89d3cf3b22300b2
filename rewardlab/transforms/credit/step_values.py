"""The value at the end of a step, on all its tokens."""

import jax.numpy as jnp

from rewardlab.core import masked, recursions
from rewardlab.core.compose import named, on_one
from rewardlab.core.types import Reward, RewardTransform, Rollout, place


@named
def broadcast_step_values() -> RewardTransform:
    """A_t = the value on the last True token of t's step, on every True token.

    Two steps of two tokens with (5, 3, 2, 1) -> (3, 3, 1, 1).

    After `returns_to_go` a token is credited with what follows its step, not with what
    follows the token. (PRL's released code, arXiv 2601.10201, which skips a value of
    exactly 0 and takes the next step's)
    """

    def broadcast(reward: Reward, rollout: Rollout) -> Reward:
        ends = masked.step_ends(rollout)
        last = jnp.where(ends, reward.value, 0)
        value = recursions.accumulate(last, jnp.where(ends, 0, 1))
        return place(value, rollout.mask & reward.has_value[:, None])

    return on_one(broadcast)
