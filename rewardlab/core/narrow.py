"""Words that do not look at where in a row a reward stands.

An outcome is a channel with at most one reward a row, on its last True token.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from rewardlab.core.compose import per_channel, running, stateless
from rewardlab.core.types import Channels, Reward, RewardTransform, Rollout, widen

Word = Callable[[Reward, Rollout], Reward]


def anywhere(f: Word) -> RewardTransform:
    """As `per_channel`, for a function that does not look at where rewards stand.

    It sees [N, 1] arrays where a row has at most one reward, or one for all its tokens,
    and places none anew. What it adds up it multiplies by `reward.times`.
    """
    return per_channel(lambda reward, rollout: by_row(f, reward, rollout))


def on_outcomes(f: Word) -> RewardTransform:
    """As `anywhere`, but only outcomes are [N, 1]: f may look for the last reward."""

    def either(reward: Reward, rollout: Rollout) -> Reward:
        return by_row(f, reward, rollout) if is_outcome(reward) else f(reward, rollout)

    return per_channel(either)


def running_on_outcomes(
    start: Callable[[], Any], f: Callable[[Reward, Any, Rollout], tuple[Reward, Any]]
) -> RewardTransform:
    """As `running`, for a function that does not look at where rewards stand."""

    def either(reward: Reward, state: Any, rollout: Rollout) -> tuple[Reward, Any]:
        if not is_outcome(reward):
            return f(reward, state, rollout)
        row, state = f(reward.narrow or reward, state, rollout)
        return widen(row, reward.placed), state

    return running(start, either)


def across_outcomes(f: Callable[[Channels, Rollout], Channels]) -> RewardTransform:
    """As `stateless`, for a function that joins channels without looking at places.

    It sees [N, 1] arrays if every channel is an outcome, and places none anew.
    """

    def either(rewards: Channels, rollout: Rollout) -> Channels:
        if not rewards or not all(is_outcome(reward) for reward in rewards.values()):
            return f(rewards, rollout)
        places = (reward.placed for reward in rewards.values())
        where = functools.reduce(jnp.logical_or, places)
        rows = {name: reward.narrow or reward for name, reward in rewards.items()}
        return {name: widen(row, where) for name, row in f(rows, rollout).items()}

    return stateless(either)


def by_row(f: Word, reward: Reward, rollout: Rollout) -> Reward:
    """f of the [N, 1] reward if there is one, wide again; else of the [N, T] reward."""
    if reward.narrow is None:
        return f(reward, rollout)
    row = dataclasses.replace(f(reward.narrow, rollout), times=reward.narrow.times)
    return widen(row, reward.placed)


def is_outcome(reward: Reward) -> bool:
    """Whether it is known that a row has at most one reward, on its last True token."""
    return reward.narrow is not None and type(reward.narrow.times) is int
