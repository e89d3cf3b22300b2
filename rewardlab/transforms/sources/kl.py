"""The cost of leaving the reference policy, as a reward."""

import functools

import jax.numpy as jnp

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
from rewardlab.objectives.kl import KL_ESTIMATORS


@named
def kl_penalty(
    beta: Coefficient, ref: SignalName = "ref_logp", kind: str = "k1"
) -> RewardTransform:
    """Adds channel `kl`: -beta * KL(logp || ref_logp) on every True token (nats).

    logp = -1 and ref_logp = -1.5 with beta = 0.1 -> -0.05.

    `kind` names an estimator of `objectives.KL_ESTIMATORS`; k1 is logp - ref_logp. A
    penalty accompanies a reward: rows in which every channel before it abstains get
    none, so a row without a score stays out of the baseline. Raises `ValueError` for an
    unknown kind.
    """
    if kind not in KL_ESTIMATORS:
        raise ValueError(f"no KL estimator {kind!r}; have {list(KL_ESTIMATORS)}")

    def source(rewards: Channels, rollout: Rollout) -> Channels:
        distance = KL_ESTIMATORS[kind](rollout.logp, rollout.signal(ref))
        where = rollout.mask
        if rewards:
            scored = [reward.has_value for reward in rewards.values()]
            where &= functools.reduce(jnp.logical_or, scored)[:, None]
        penalty = place(-coefficient(beta, rollout) * distance, where)
        return add_channel(rewards, "kl", penalty)

    return stateless(source)
