"""Channels by priority: a channel counts only once those before it are met."""

import jax.numpy as jnp

from rewardlab.core.compose import find, named, stateless
from rewardlab.core.types import (
    Channels,
    Coefficient,
    RewardTransform,
    Rollout,
    coefficient,
)


@named
def gated_accumulation(
    *lowest: str, strict: bool = False, **thresholds: Coefficient
) -> RewardTransform:
    """r_c = r_c where every channel of higher priority passes its gate, else 0.

    With correct=0.5, rows of (correct, style) = (1, 0.3), (0, 0.3) -> (1, 0.3), (0, 0).

    In `gated_accumulation('style', submitted=1, correct=0.5)`, `correct` counts in rows
    whose `submitted` is at least 1, and `style` where `correct` is also at least 0.5. A
    gate reads the row's total before any gating, at the end of the episode; a row
    without a value does not pass. With `strict` the total must exceed the gate: sources
    disagree on equality. (G-RA, arXiv 2508.10548)
    """
    if not thresholds:
        raise ValueError("gated_accumulation needs a gate, as in correct=0.5")

    def close(rewards: Channels, rollout: Rollout) -> Channels:
        gated = dict(rewards)
        is_open = jnp.ones(rollout.mask.shape[0], bool)
        for name in (*thresholds, *lowest):
            reward = find(rewards, name)
            gated[name] = reward.map(lambda r, open_: jnp.where(open_, r, 0), is_open)
            if name in thresholds:
                total = reward.total
                least = coefficient(thresholds[name], rollout)
                passed = total > least if strict else total >= least
                is_open &= passed & reward.has_value
        return gated

    return stateless(close)
