"""How several channels become one: their mean, minimum, median, product's root."""

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
    """Lifts a function of the K numbers of a token; it reads only placed ones."""
    return join_channels(names, lambda parts: combine_any(f, parts))


def join_channels(
    names: tuple[str, ...], f: Callable[[list[Reward]], Reward]
) -> RewardTransform:
    """Lifts a function of several channels; its result replaces them.

    `names` are channels, or the name of `members`; none means all channels. The result
    is named after the one name given, else `reward`. A token has it where any of the
    channels has a reward; channels that abstain there are left out.
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
