"""Generalised advantage estimation: credit against a critic's values."""

import jax.numpy as jnp

from rewardlab.core import masked, recursions
from rewardlab.core.compose import named, on_one
from rewardlab.core.types import (
    Coefficient,
    Reward,
    RewardTransform,
    Rollout,
    SignalName,
    coefficient,
    place,
)
from rewardlab.transforms.sources.signals import at_steps


@named
def gae(
    values: SignalName, discount: Coefficient = 1.0, decay: Coefficient = 0.95
) -> RewardTransform:
    """A_t = r_t + discount v_{t+1} - v_t + discount decay A_{t+1} over True tokens.

    r = (0, 1) and v = (0.5, 0.8) -> (0.5, 0.2) with discount = decay = 1.

    The signal `values` [N, T] is the critic's value before each token; after a row's
    last token v and A are 0. Environment tokens take no time: t + 1 is the next True
    token. A row that is cut off before its episode ends needs one more token, whose
    reward equals its value. GAE, arXiv 1506.02438.
    """

    def accumulate(reward: Reward, rollout: Rollout) -> Reward:
        gamma, lam = coefficient(discount, rollout), coefficient(decay, rollout)
        value = jnp.where(rollout.mask, rollout.signal(values), 0)
        told = reward.value, value, rollout.mask
        returns = recursions.lambda_returns(*told, gamma, lam)
        return place(returns - value, rollout.mask & reward.has_value[:, None])

    return on_one(accumulate)


@named
def step_gae(
    values: SignalName, discount: Coefficient = 1.0, decay: Coefficient = 0.95
) -> RewardTransform:
    """A_k = r_k + discount v_{k+1} - v_k + discount decay A_{k+1} over steps.

    As `gae`, with a step (turn, action) as the unit of time: r_k is the sum of the
    rewards inside step k, the signal `values` [N, S] the critic's value before it, and
    every True token of step k gets A_k. (VLA-RL, arXiv 2505.18719)
    """

    def accumulate(reward: Reward, rollout: Rollout) -> Reward:
        gamma, lam = coefficient(discount, rollout), coefficient(decay, rollout)
        ends = masked.step_ends(rollout)
        value = jnp.where(ends, at_steps(rollout.signal(values), rollout), 0)
        x = gamma * ((1 - lam) * value + lam * reward.value)
        ahead = recursions.accumulate_after(x, jnp.where(ends, gamma * lam, 1.0))
        parts = reward.value + jnp.where(ends, ahead - value, 0)
        whole = recursions.accumulate(parts, jnp.where(ends, 0.0, 1.0))
        # whole at a step's first token is its sum: the end of the step before cuts it.
        advantage = jnp.take_along_axis(whole, masked.step_starts(rollout), axis=1)
        return place(advantage, rollout.mask & reward.has_value[:, None])

    return on_one(accumulate)
