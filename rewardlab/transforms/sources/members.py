"""Members of an ensemble: each reward model, or head, is a channel of its own."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.core.compose import add_channel, named, stateless
from rewardlab.core.types import Channels, RewardTransform, Rollout, SignalName
from rewardlab.transforms.sources.last_token import on_last_token
from rewardlab.transforms.sources.signals import validity


@named
def members(name: SignalName) -> RewardTransform:
    """Adds a channel `name_k` for each column of the [N, K] signal, on the last token.

    A row's (0.1, 0.3) of signal 'rm' -> channels rm_0 = 0.1 and rm_1 = 0.3.

    Shapers then act on each member (`center_by_group()` puts members on a common
    scale), and words such as `min_of('name')` join them into one channel.
    """

    def source(rewards: Channels, rollout: Rollout) -> Channels:
        scores = columns(rollout, name)
        heard = jnp.broadcast_to(validity(rollout, name), scores.shape)
        for k in range(scores.shape[1]):
            member = on_last_token(scores[:, k], heard[:, k : k + 1], rollout)
            rewards = add_channel(rewards, f"{name}_{k}", member)
        return rewards

    return stateless(source)


@named
def min_uncertainty_member(name: SignalName, std: SignalName) -> RewardTransform:
    """Adds channel `surest`: the score of the member with the smallest `std`.

    Scores (0.1, 0.3) with stds (0.5, 0.2) -> 0.3.

    Both signals are [N, K]; of equal stds the first counts. The nominal reward of
    reward-robust RLHF (arXiv 2409.15360), whose heads give a mean and a std.
    """

    def source(rewards: Channels, rollout: Rollout) -> Channels:
        scores = columns(rollout, name)
        heard = jnp.broadcast_to(validity(rollout, name), scores.shape)
        doubt = jnp.where(heard, columns(rollout, std), jnp.inf)
        surest = jnp.argmin(doubt, axis=1, keepdims=True)
        value = jnp.take_along_axis(scores, surest, axis=1)[:, 0]
        heard = jnp.any(heard, axis=1, keepdims=True)
        return add_channel(rewards, "surest", on_last_token(value, heard, rollout))

    return stateless(source)


def columns(rollout: Rollout, name: SignalName) -> Float[Array, "N K"]:
    """The signal `name`, which must be [N, K]."""
    value = rollout.signal(name)
    if value.ndim != 2:
        raise ValueError(f"{name!r} needs shape [N, K] and has {value.shape}")
    return value
