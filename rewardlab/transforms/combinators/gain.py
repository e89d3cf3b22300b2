"""One channel beside another: what it saves, and where it helps out."""

import jax.numpy as jnp

from rewardlab.core.compose import find, named
from rewardlab.core.narrow import across_outcomes
from rewardlab.core.types import (
    Channels,
    Coefficient,
    RewardTransform,
    Rollout,
    coefficient,
)


@named
def relative_drop(
    channel: str, base: str, floor: float = -1.0, eps: float = 1e-9
) -> RewardTransform:
    """r = max((base - channel) / (base + eps), floor), in the place of both channels.

    What `channel` saves of `base`: with the perplexities of an answer with and without
    its question it is the self-aligned reward (SAR, arXiv 2509.05489), below 1 and 0
    for equal ones. The result keeps the name `channel` and stands where both have a
    value.
    """

    def save(rewards: Channels, rollout: Rollout) -> Channels:
        own, other = find(rewards, channel), find(rewards, base)
        both = own.placed & other.placed
        under = jnp.where(both, other.value + eps, 1)
        share = jnp.maximum((other.value - own.value) / under, floor)
        rest = {k: r for k, r in rewards.items() if k != base}
        kept = type(own)(jnp.where(both, share, 0), both)
        return {**rest, channel: kept}

    return across_outcomes(save)


@named
def top_up(
    channel: str,
    by: str,
    rate: Coefficient = 0.1,
    below: Coefficient = 0.5,
    most: float = 1.0,
) -> RewardTransform:
    """r = min(r + rate * b, most) where r < below, with channel `by` as b; else r.

    Something for completions that a noisy judge holds low: the calibration of a reward
    model by the reasoning-pattern reward, and with rate=1 the pattern in the place of a
    verdict 0 (arXiv 2505.22653). `by` is used up; where it abstains it adds 0.
    """

    def help_(rewards: Channels, rollout: Rollout) -> Channels:
        own, other = find(rewards, channel), find(rewards, by)
        more = own.value + coefficient(rate, rollout) * other.value
        low = own.value < coefficient(below, rollout)
        value = jnp.where(low, jnp.minimum(more, most), own.value)
        rest = {k: r for k, r in rewards.items() if k != by}
        return {**rest, channel: own.with_value(value)}

    return across_outcomes(help_)
