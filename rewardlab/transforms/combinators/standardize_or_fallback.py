"""A channel that counts in groups in which it differs, and a fallback elsewhere."""

import jax.numpy as jnp

from rewardlab.core import masked
from rewardlab.core.compose import find, named, stateless
from rewardlab.core.types import Channels, RewardTransform, Rollout, SignalName


@named
def standardize_or_fallback(
    channel: str, instead: str, counts: SignalName, min_std: float = 0.1
) -> RewardTransform:
    """r_c = (r_c - mean) / std of its group where std > min_std, else r_instead.

    A group of 1, 0 -> 0.707, -0.707; a group of 1, 1 -> r_instead.

    One reward a row. A row whose signal `counts` [N] is 0 enters mean and std as 0; its
    own reward is still standardised. std is over n - 1. A group of one has mean 0 and
    std 1. A missing r_instead counts as 0. (LaSeR's code, arXiv 2510.14943)
    """

    def choose(rewards: Channels, rollout: Rollout) -> Channels:
        reward, other = find(rewards, channel), find(rewards, instead)
        own, fallback = reward.total, other.total
        n = masked.sum_over_group(reward.has_value.astype(jnp.int32), rollout)
        heard = reward.has_value & (rollout.signal(counts) > 0)
        score = jnp.where(heard, own, 0)
        low = jnp.where(reward.has_value, score, jnp.inf)
        low = jnp.where(n > 1, masked.group_min(low, rollout), 0)
        above = jnp.where(reward.has_value, score - low, 0)
        mean = jnp.where(
            n > 1, masked.safe_divide(masked.sum_over_group(above, rollout), n), 0
        )
        squares = jnp.where(reward.has_value, (above - mean) ** 2, 0)
        std = jnp.sqrt(
            masked.safe_divide(masked.sum_over_group(squares, rollout), n - 1)
        )
        std = jnp.where(n > 1, std, 1)
        tells = std > min_std
        z = (own - low - mean) / jnp.where(tells, std, 1)
        chosen = jnp.where(tells, z, fallback)
        return {**rewards, channel: reward.map(lambda r, new: new, chosen)}

    return stateless(choose)
