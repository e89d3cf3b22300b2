"""Several channels become one: a mean, the least, the middle one, a product's root."""

from collections.abc import Callable

from jaxtyping import Array, Bool, Float

from rewardlab.core import masked
from rewardlab.core.compose import find, stateless
from rewardlab.core.reward import combine_any
from rewardlab.core.types import Channels, Reward, RewardTransform, Rollout

Values = Float[Array, " K"]  # of one token, a number for each channel
Places = Bool[Array, " K"]


def join(
    names: tuple[str, ...], f: Callable[[Values, Places], Float[Array, ""]]
) -> RewardTransform:
    """Lifts a function of the K numbers of a token; it reads only those placed."""
    return join_channels(names, lambda parts: combine_any(f, parts))


def join_channels(
    names: tuple[str, ...], f: Callable[[list[Reward]], Reward]
) -> RewardTransform:
    """Lifts a function of several channels to one that puts its result in their place.

    `names` are channels, or the name of `members`; none means all channels. The result
    is the channel of the one name that was given, else `reward`, and replaces them. A
    token has it where any of them stands; one that abstains there is left out.
    """

    def update(rewards: Channels, rollout: Rollout) -> Channels:
        chosen = _chosen(rewards, names)
        parts = [rewards[name] for name in chosen]
        rest = {k: v for k, v in rewards.items() if k not in chosen}
        new = names[0] if len(names) == 1 else "reward"
        return {**rest, new: f(parts)}

    return stateless(update)


def mean_placed(value: Values, placed: Places) -> Float[Array, ""]:
    """The mean over the channels that are placed."""
    return masked.mean(value, placed)


def _chosen(rewards: Channels, names: tuple[str, ...]) -> list[str]:
    found: list[str] = []
    for name in names or tuple(rewards):
        inner = [f"{name}_{k}" for k in range(len(rewards))]
        group = [k for k in inner if k in rewards] if name not in rewards else [name]
        found += group or [name]
    for name in found:
        find(rewards, name)
    return found
