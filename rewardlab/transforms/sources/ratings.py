"""How two agents rate one another, as a share of the credit."""

import jax.numpy as jnp

from rewardlab.core import masked
from rewardlab.core.compose import add_channel, named, stateless
from rewardlab.core.types import (
    Channels,
    Coefficient,
    RewardTransform,
    Rollout,
    SignalName,
    coefficient,
    place,
)
from rewardlab.transforms.sources.signals import at_steps, validity


@named
def rated_share(
    own: SignalName = "self_rating",
    peer: SignalName = "peer_rating",
    agent: SignalName = "agent",
    eta: Coefficient = 0.3,
) -> RewardTransform:
    """w = s / (sum of s over the row's agents), s = eta own + (1 - eta) peer.

    Agents rated 0.7 and 0.5 by themselves, 0.5 and 0.3 by the other -> 0.609, 0.391.

    Adds channel `share`, at the end of each turn. `own` and `peer` [N, S] are what the
    agent of the turn and the other one give to it; an agent's s is the mean over its
    turns, and a sum below 1e-6 counts as 1e-6. Turns of which either says nothing
    abstain. (SEPO, in the code of CCPO, arXiv 2603.21563)
    """

    def source(rewards: Channels, rollout: Rollout) -> Channels:
        mine, other = rollout.signal(own), rollout.signal(peer)
        rate, who = coefficient(eta, rollout), rollout.signal(agent)
        heard = validity(rollout, own) & validity(rollout, peer)
        there = at_steps(jnp.broadcast_to(heard, mine.shape), rollout)
        there &= masked.step_ends(rollout) & (rollout.step < mine.shape[1])
        score = at_steps(rate * mine + (1 - rate) * other, rollout)
        score = jnp.where(there, score, 0)
        rows = jnp.broadcast_to(jnp.arange(len(who))[:, None], who.shape)
        ids = masked.dense_ids(rows, who)
        ids, size = at_steps(ids, rollout), ids.size
        turns = masked.set_sum(there.astype(jnp.int32), ids, size)
        mean = masked.safe_divide(masked.set_sum(score, ids, size), turns)
        each = jnp.where(there, masked.safe_divide(mean, turns), 0)
        whole = jnp.maximum(jnp.sum(each, axis=1, keepdims=True), 1e-6)
        return add_channel(rewards, "share", place(mean / whole, there))

    return stateless(source)
