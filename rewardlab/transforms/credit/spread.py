"""Credit by place: on all tokens of a row, or not on its step ends."""

import jax.numpy as jnp

from rewardlab.core import masked
from rewardlab.core.compose import named, on_one
from rewardlab.core.placed import on_all_tokens
from rewardlab.core.types import Reward, RewardTransform, Rollout


@named
def broadcast_to_tokens() -> RewardTransform:
    """A_t = the row's total, on every True token: credit of a whole episode.

    (0, 0, 1) -> (1, 1, 1).
    """

    def spread(reward: Reward, rollout: Rollout) -> Reward:
        return on_all_tokens(reward.total, reward.has_value, rollout)

    return on_one(spread)


@named
def zero_step_ends() -> RewardTransform:
    """A_t = 0 on the last True token of every step, the separator that a PRM scores.

    Two steps of two tokens with A = 1 -> (1, 0, 1, 0).

    PURE's code (arXiv 2504.15275): the policy does not learn to write more or fewer
    separators.
    """

    def silence(reward: Reward, rollout: Rollout) -> Reward:
        ends = masked.step_ends(rollout)
        return reward.with_value(jnp.where(ends, 0, reward.value))

    return on_one(silence)
