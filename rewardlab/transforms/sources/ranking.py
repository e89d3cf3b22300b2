"""Rows ranked by the entropy of their tokens."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core import masked
from rewardlab.core.compose import add_channel, named, stateless
from rewardlab.core.order import mean_of_largest
from rewardlab.core.types import (
    Channels,
    Coefficient,
    RewardTransform,
    Rollout,
    SignalName,
    coefficient,
)
from rewardlab.transforms.sources.last_token import on_last_token, scored
from rewardlab.transforms.sources.signals import validity


@named
def entropy_ranking(
    name: SignalName = "entropy", share: float = 0.2, best: Coefficient = 0.5
) -> RewardTransform:
    """Adds channel `name`: best * (1 - k / (n - 1)) for the row of rank k in its group.

    Three rows, each beating the next -> best, best / 2, 0.

    Row i beats row j of its group if its peak entropy (the mean of its top `share` of
    tokens, at least one) is higher and its mean entropy lower: sharp forks, calm
    otherwise. Rank 0 beats most rows; ties go by order, and a lone row gets `best`. The
    signal [N, T] is in nats. Structural entropy of R^3 (arXiv 2601.19620), which does
    not give `share` and `best`.
    """

    def source(rewards: Channels, rollout: Rollout) -> Channels:
        valid = jnp.all(validity(rollout, name), axis=1, keepdims=True)
        there = scored(valid, rollout)
        entropy = rollout.signal(name)
        peak = peak_mean(entropy, rollout.mask, share)
        wins = dominated(peak, masked.row_mean(entropy, rollout.mask), rollout, there)
        order = jnp.arange(len(wins))
        earlier = (wins[None] == wins[:, None]) & (order[None] < order[:, None])
        mates = _mates(rollout, there)
        ahead = mates & ((wins[None] > wins[:, None]) | earlier)
        others = jnp.sum(mates, axis=1) - 1
        fall = masked.safe_divide(1.0 * jnp.sum(ahead, axis=1), others)
        value = coefficient(best, rollout) * (1 - fall)
        return add_channel(rewards, name, on_last_token(value, valid, rollout))

    return stateless(source)


def peak_mean(
    x: Float[Array, "N T"], mask: Bool[Array, "N T"], share: float | Float[Array, ""]
) -> Float[Array, " N"]:
    """The mean of each row's max(1, floor(share n)) largest entries; 0 if empty."""
    top = jnp.floor(share * masked.count(mask)).astype(jnp.int32)
    return mean_of_largest(x, mask, jnp.maximum(top, 1)[:, None])


def dominated(
    peak: Float[Array, " N"],
    calm: Float[Array, " N"],
    rollout: Rollout,
    there: Bool[Array, " N"],
) -> Int[Array, " N"]:
    """How many rows of its group each row beats: higher peak and lower mean."""
    beats = (peak[:, None] > peak[None]) & (calm[:, None] < calm[None])
    return jnp.sum(beats & _mates(rollout, there), axis=1)


def _mates(rollout: Rollout, there: Bool[Array, " N"]) -> Bool[Array, "N N"]:
    return (rollout.group[None] == rollout.group[:, None]) & there[None]
