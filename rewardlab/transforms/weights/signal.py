"""Weights from a signal."""

import jax.numpy as jnp

from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import Reward, RewardTransform, Rollout, SignalName


@named
def weigh(name: SignalName) -> RewardTransform:
    """A_t = w_t A_t, with the signal `name` as w: one weight a row [N], or a token [N,
    T].

    A = (1, -1) and w = (0, 2) -> (0, -2).

    A token of weight 0 stays in its baseline and in the count of the loss's mean. A
    mask of booleans is a weight too.
    """

    def scale(reward: Reward, rollout: Rollout) -> Reward:
        weight = rollout.signal(name)
        if weight.shape not in (rollout.mask.shape[:1], rollout.mask.shape):
            raise ValueError(
                f"weigh({name!r}) needs a weight a row or a token, [N] or [N, T], and "
                f"has shape {weight.shape}"
            )
        weight = weight if weight.ndim == 2 else weight[:, None]
        weight = jnp.where(reward.placed, weight, 0)
        return reward.with_value(reward.value * weight)

    return per_channel(scale)
