"""Channels by priority: what matters less counts only once what matters more is met."""

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

    `gated_accumulation('style', submitted=1, correct=0.5)` says that `correct` counts
    in rows whose `submitted` is at least 1, and `style` where `correct` is also at
    least 0.5. A gate reads the row's total before any gating and looks back from the
    end of the episode; a row without a value does not pass. With `strict` a gate must
    be exceeded: sources disagree on equality. (G-RA, arXiv 2508.10548)
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
