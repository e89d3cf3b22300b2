"""A bonus for what is rarely tried."""

import jax.numpy as jnp

from rewardlab.core import masked
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import (
    Coefficient,
    Reward,
    RewardTransform,
    Rollout,
    SignalName,
    coefficient,
)
from rewardlab.transforms.sources.signals import at_steps


@named
def bonus_while_rare(
    name: SignalName, below: Coefficient = 0.1, bonus: Coefficient = 1.0
) -> RewardTransform:
    """r_k + bonus on steps that do it, while less than `below` of the batch's steps do.

    One step in ten retrieves, below = 0.5 -> r + bonus on that step.

    The signal [N, S] is 1 on steps that do it (retrieve) and 0 on others; the rate is
    over all steps with a reward. Video-MTR (arXiv 2508.20478) pays 1 below a rate of
    0.1 in its first stage, 0.5 below 0.5 in its second, and then nothing; that the rate
    counts steps is our reading.
    """

    def add(reward: Reward, rollout: Rollout) -> Reward:
        done = at_steps(rollout.signal(name), rollout)
        rare = masked.mean(done, reward.placed) < coefficient(below, rollout)
        paid = jnp.where(reward.placed & rare, coefficient(bonus, rollout) * done, 0)
        return reward.with_value(reward.value + paid)

    return per_channel(add)
