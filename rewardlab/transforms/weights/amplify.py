"""Some tokens are credited more, and blamed less."""

import jax.numpy as jnp

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
def amplify(name: SignalName, alpha: Coefficient = 0.2) -> RewardTransform:
    """A_t + alpha |A_t| w_t, with the signal `name` [N, T] as w.

    A = (1, -1, -1) and w = (1, 1, 0) with alpha = 0.2 -> (1.2, -0.8, -1).

    A token with w = 1 gains 1 + alpha of credit and keeps 1 - alpha of blame; for alpha
    below 1 no sign changes. Advantages do not add up to 0 any more. A mask of booleans
    is a weight too. (HICRA, arXiv 2509.03646, on planning tokens)
    """

    def raise_(reward: Reward, rollout: Rollout) -> Reward:
        weight = rollout.signal(name)
        if weight.shape != rollout.mask.shape:
            raise ValueError(
                f"amplify({name!r}) needs a weight a token, {rollout.mask.shape}, and "
                f"has shape {weight.shape}; name a signal of tokens"
            )
        more = coefficient(alpha, rollout) * jnp.where(reward.placed, weight, 0)
        return reward.with_value(reward.value + more * jnp.abs(reward.value))

    return per_channel(raise_)
