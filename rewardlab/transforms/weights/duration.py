"""Actions that took longer weigh more."""

import jax.numpy as jnp

from rewardlab.core import masked
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import Reward, RewardTransform, Rollout, SignalName
from rewardlab.transforms.sources.signals import at_steps


@named
def weigh_by_duration(name: SignalName = "duration") -> RewardTransform:
    """A_t * d_k / mean(d), d_k the duration of the step k that token t belongs to.

    A = (1, 1) and d = (1, 3) -> (1/2, 3/2).

    The signal [N, S] may be in any unit of time; the mean is over all steps of the
    batch's rows that have an advantage, so weights average to 1. Batches without any
    duration keep their advantages. (Duration-aware updates, arXiv 2509.01684)
    """

    def weigh(reward: Reward, rollout: Rollout) -> Reward:
        duration = at_steps(rollout.signal(name), rollout)
        counted = masked.step_ends(rollout) & reward.has_value[:, None]
        mean = masked.mean(duration, counted)
        weight = jnp.where(mean > 0, duration / jnp.where(mean > 0, mean, 1), 1)
        weight = jnp.where(reward.placed, weight, 0)
        return reward.with_value(reward.value * weight)

    return per_channel(weigh)
