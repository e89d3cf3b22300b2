"""The cost of leaving the reference policy, as a reward."""

import functools

import jax.numpy as jnp

from rewardlab.compose import add_channel, named, stateless
from rewardlab.types import (
    Channels,
    Coefficient,
    RewardTransform,
    Rollout,
    SignalName,
    coefficient,
    place,
)


@named
def kl_penalty(beta: Coefficient, ref: SignalName = "ref_logp") -> RewardTransform:
    """Adds channel `kl`: -beta * (logp - ref_logp) on every True token (k1, nats).

    A penalty goes with a reward: rows in which every channel before it abstains get
    none, so that a row nobody could score stays out of the baseline.
    """

    def source(rewards: Channels, rollout: Rollout) -> Channels:
        ratio = rollout.logp - rollout.signal(ref)
        where = rollout.mask
        if rewards:
            scored = [reward.has_value for reward in rewards.values()]
            where &= functools.reduce(jnp.logical_or, scored)[:, None]
        penalty = place(-coefficient(beta, rollout) * ratio, where)
        return add_channel(rewards, "kl", penalty)

    return stateless(source)
