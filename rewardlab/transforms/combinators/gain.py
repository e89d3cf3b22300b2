"""One channel relative to another."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.core.compose import find, named, stateless
from rewardlab.core.reward import Number, combine_all
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

    channel = 3 and base = 4 -> 1/4.

    The share of `base` that `channel` saves. With the perplexities of an answer with
    and without its question it is the self-aligned reward (SAR, arXiv 2509.05489):
    below 1, and 0 for equal ones. The result keeps the name `channel` and stands where
    both have a value.
    """

    def save(rewards: Channels, rollout: Rollout) -> Channels:
        own, other = find(rewards, channel), find(rewards, base)
        rest = {k: r for k, r in rewards.items() if k != base}
        return {**rest, channel: combine_all(share, [own, other])}

    def share(values: Float[Array, "2"]) -> Float[Array, ""]:
        own, other = values
        return jnp.maximum((other - own) / (other + eps), floor)

    return stateless(save)


@named
def add_where_below(
    channel: str,
    by: str,
    rate: Coefficient = 0.1,
    below: Coefficient = 0.5,
    max_value: float = 1.0,
) -> RewardTransform:
    """r = min(r + rate * b, max_value) where r < below, with channel `by` as b; else r.

    r = (0, 0.9) and b = 1 with the defaults -> (0.1, 0.9).

    For completions that a noisy judge scores too low: the calibration of a reward model
    by the reasoning-pattern reward; with rate=1 the pattern replaces a verdict of 0
    (arXiv 2505.22653). `by` is removed; where it abstains it adds 0.
    """

    def help_(rewards: Channels, rollout: Rollout) -> Channels:
        own, other = find(rewards, channel), find(rewards, by)
        share, limit = coefficient(rate, rollout), coefficient(below, rollout)

        def more(r: Number, b: Number) -> Number:
            return jnp.where(r < limit, jnp.minimum(r + share * b, max_value), r)

        rest = {k: r for k, r in rewards.items() if k != by}
        return {**rest, channel: own.map(more, other)}

    return stateless(help_)
