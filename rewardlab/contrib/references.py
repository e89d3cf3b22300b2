"""Rewards relative to those of reference completions."""

import jax.numpy as jnp
from jax.scipy.stats import norm

from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import Reward, RewardTransform, Rollout, SignalName, Static
from rewardlab.transforms.shapers.reference import references


@named
def minus_reference_normal_quantile(
    ref: SignalName, quantile: float = 0.85, eps: float = 1e-5
) -> RewardTransform:
    """r - (mean R + z_q (std R + eps)): as if references were normal (PAR's LSC code).

    r = 1 and references 0, 2 with quantile = 0.5 -> 0.

    The std divides by R - 1. With one reference it is 0, and the level is the reference
    plus z_q eps.
    """

    def move(reward: Reward, rollout: Rollout) -> Reward:
        scores = references(rollout, ref)
        low = jnp.min(scores, axis=1, keepdims=True)  # so that equal ones have std 0
        ddof = min(1, scores.shape[1] - 1)
        spread = jnp.std(scores - low, axis=1, ddof=ddof) + eps
        middle = low[:, 0] + jnp.mean(scores - low, axis=1)
        level = middle + norm.ppf(quantile) * spread
        return reward.map(jnp.subtract, level)

    return per_channel(move)


@named
def minus_reference_mean(
    ref: SignalName, num_references: Static[int] = 10
) -> RewardTransform:
    """r - mean_j R_j over the first `num_references` references.

    r = 1 and references 0, 4 -> -1.
    """

    def move(reward: Reward, rollout: Rollout) -> Reward:
        middle = jnp.mean(references(rollout, ref)[:, :num_references], axis=1)
        return reward.map(jnp.subtract, middle)

    return per_channel(move)
