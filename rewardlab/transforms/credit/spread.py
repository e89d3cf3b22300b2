"""Where credit stands: on all of a row's tokens, off its step ends."""

import dataclasses

import jax.numpy as jnp

from rewardlab.core import masked
from rewardlab.core.compose import named, on_one
from rewardlab.core.types import Reward, RewardTransform, Rollout, place, widen


@named
def broadcast_to_tokens() -> RewardTransform:
    """A_t = the row's total, on every True token: credit of a whole episode."""

    def spread(reward: Reward, rollout: Rollout) -> Reward:
        tokens = masked.count(rollout.mask)[:, None]
        row = place(reward.total[:, None], reward.has_value[:, None])
        return widen(dataclasses.replace(row, times=tokens), rollout.mask)

    return on_one(spread)


@named
def zero_step_ends() -> RewardTransform:
    """A_t = 0 on the last True token of every step, the separator that a PRM scores.

    PURE's code (arXiv 2504.15275) keeps the policy from learning to write more or fewer
    separators.
    """

    def silence(reward: Reward, rollout: Rollout) -> Reward:
        ends = masked.step_ends(rollout)
        return reward.with_value(jnp.where(ends, 0, reward.value))

    return on_one(silence)
