"""A baseline from the rollout: a critic's value, a greedy completion's reward."""

import jax.numpy as jnp

from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import Reward, RewardTransform, Rollout, SignalName
from rewardlab.transforms.sources.signals import validity


@named
def center_by_signal(name: SignalName) -> RewardTransform:
    """r - b, with the signal `name` as b: one number a row [N], or one a token [N, T].

    r = 1 and b = 0.3 -> 0.7.

    ReMax (arXiv 2310.10505) subtracts the reward of the greedy completion of the same
    prompt, an actor-critic method the critic's value. Where `name_valid` is False there
    is no baseline and nothing is placed.
    """

    def center(reward: Reward, rollout: Rollout) -> Reward:
        baseline = rollout.signal(name)
        if baseline.shape not in (rollout.mask.shape[:1], rollout.mask.shape):
            raise ValueError(
                f"center_by_signal({name!r}) needs a number a row or a token, [N] or "
                f"[N, T], and has shape {baseline.shape}"
            )
        valid = validity(rollout, name)
        valid = valid[:, 0] if valid.shape[1] == 1 else valid
        return reward.keep(valid).map(jnp.subtract, baseline)

    return per_channel(center)
