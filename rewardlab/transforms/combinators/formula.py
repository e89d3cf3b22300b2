"""Channels joined by arithmetic, written as text."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.core.compose import find, named, stateless
from rewardlab.core.reward import combine_all
from rewardlab.core.types import Channels, RewardTransform, Rollout
from rewardlab.rules import expression


@named
def formula(text: str) -> RewardTransform:
    """R = the value of an expression over channels, as in formula('correct * tools').

    correct = 1 and tools = 0.5 -> 0.5.

    The grammar is channel names, numbers, + - * / ** and parentheses. A token has a
    value where every named channel has one: with an abstention the value is unknown. A
    result that is not finite becomes 0. (Rewards composed by a model: DERL, arXiv
    2512.13399)
    """
    used = sorted(expression.names(text))
    if not used:
        raise ValueError(f"formula({text!r}) names no channel")

    def join(rewards: Channels, rollout: Rollout) -> Channels:
        parts = {name: find(rewards, name) for name in used}
        rest = {k: r for k, r in rewards.items() if k not in used}
        return {**rest, "reward": combine_all(calculate, list(parts.values()))}

    def calculate(values: Float[Array, " K"]) -> Float[Array, ""]:
        named_values = {name: values[k] for k, name in enumerate(used)}
        value = expression.calculate(text, named_values)
        return jnp.where(jnp.isfinite(value), value, 0)

    return stateless(join)
