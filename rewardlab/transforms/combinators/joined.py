"""Several channels become one: a mean, the least, the middle one, a product's root."""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked
from rewardlab.core.compose import find
from rewardlab.core.narrow import across_outcomes
from rewardlab.core.types import Channels, RewardTransform, Rollout, place

Values = Float[Array, "K N T"]
Places = Bool[Array, "K N T"]


def join(
    names: tuple[str, ...], f: Callable[[Values, Places], Float[Array, "N T"]]
) -> RewardTransform:
    """Lifts a function of stacked channels; it reads only where they are placed.

    `names` are channels, or the name of `members`; none means all channels. The result
    is the channel of the one name that was given, else `reward`, and replaces them. A
    token has it where any of them stands; one that abstains there is left out.
    """

    def update(rewards: Channels, rollout: Rollout) -> Channels:
        chosen = _chosen(rewards, names)
        parts = [rewards[name] for name in chosen]
        placed = jnp.stack([part.placed for part in parts])
        value = f(jnp.stack([part.value for part in parts]), placed)
        rest = {k: v for k, v in rewards.items() if k not in chosen}
        new = names[0] if len(names) == 1 else "reward"
        return {**rest, new: place(value, jnp.any(placed, axis=0))}

    return across_outcomes(update)


def mean_placed(value: Values, placed: Places) -> Float[Array, "N T"]:
    """The mean over the channels that are placed."""
    total = jnp.sum(jnp.where(placed, value, 0), axis=0)
    return masked.divide(total, jnp.sum(placed, axis=0))


def _chosen(rewards: Channels, names: tuple[str, ...]) -> list[str]:
    found: list[str] = []
    for name in names or tuple(rewards):
        inner = [f"{name}_{k}" for k in range(len(rewards))]
        group = [k for k in inner if k in rewards] if name not in rewards else [name]
        found += group or [name]
    for name in found:
        find(rewards, name)
    return found
