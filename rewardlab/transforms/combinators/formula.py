"""Channels joined by arithmetic that is written as text."""

import functools

import jax.numpy as jnp

from rewardlab.core.compose import find, named
from rewardlab.core.narrow import across_outcomes
from rewardlab.core.types import Channels, RewardTransform, Rollout, place
from rewardlab.rules import expression


@named
def formula(text: str) -> RewardTransform:
    """R = the value of an expression over channels, as in formula('correct * tools').

    The grammar is channel names, numbers, + - * / ** and parentheses. A token has a
    value where every channel that is named stands: what one abstains from is unknown.
    Where the result is not finite it is 0. (Rewards composed by a model: DERL, arXiv
    2512.13399)
    """
    used = sorted(expression.names(text))
    if not used:
        raise ValueError(f"formula({text!r}) names no channel")

    def join(rewards: Channels, rollout: Rollout) -> Channels:
        parts = {name: find(rewards, name) for name in used}
        value = expression.calculate(text, {k: r.value for k, r in parts.items()})
        placed = functools.reduce(jnp.logical_and, (r.placed for r in parts.values()))
        rest = {k: r for k, r in rewards.items() if k not in used}
        return {
            **rest,
            "reward": place(jnp.where(jnp.isfinite(value), value, 0), placed),
        }

    return across_outcomes(join)
