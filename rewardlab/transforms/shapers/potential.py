"""Potential-based shaping: guidance that does not change which policy is best."""

import jax.numpy as jnp

from rewardlab.core import masked, recursions
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import (
    Coefficient,
    Reward,
    RewardTransform,
    Rollout,
    SignalName,
    coefficient,
)


@named
def potential_shaping(
    discount: Coefficient = 1.0, final: SignalName = ""
) -> RewardTransform:
    """F_k = discount * Phi_{k+1} - Phi_k: a potential becomes what a step added to it.

    Potentials (0.2, 0.5), then 0 -> (0.3, -0.5) with discount = 1.

    The channel holds on step (or token) k the potential Phi_k of the state *before* it.
    The potential of the state in which the row ended comes last: 0, or the [N] signal
    `final`. Let `final` be 0 where an episode ended by itself, and the potential of the
    last state where it was cut off. With 0 the discounted sum from step k on is -Phi_k,
    which depends on no action: policy gradients and greedy policies stay the same.
    `discount` must be that of the returns. (Ng, Harada, Russell, 1999)
    """

    def difference(reward: Reward, rollout: Rollout) -> Reward:
        end = masked.last(reward.placed)
        carried = recursions.accumulate(reward.value, jnp.where(reward.placed, 0, 1))
        after = jnp.pad(carried, ((0, 0), (0, 1)))[:, 1:]
        if final:
            after = jnp.where(end, rollout.signal(final)[:, None], after)
        return reward.with_value(coefficient(discount, rollout) * after - reward.value)

    return per_channel(difference)
