"""Advantages of tokens that discount turns, not tokens."""

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


@named
def decomposed_gae(
    values: SignalName, discount: Coefficient = 0.99, decay: Coefficient = 0.95
) -> RewardTransform:
    """A_t = r_t + g_t v_{t+1} - v_t + g_t decay A_{t+1}; g = discount at step ends, 1
    inside steps.

    A step of two tokens, r = (0, 1) and v = (0.5, 0.8) -> (0.49, 0.2) with decay 0.95.

    As `gae` over True tokens, with the signal `values` [N, T] as v; but time passes
    between steps (turns, actions), so a long action is not discounted more than a short
    one. Steps of one token are `gae`'s; with decay = 1 the first token's advantage does
    not depend on how many tokens its step has. After a row's last token v and A are 0.
    (POAD, arXiv 2405.15821)
    """

    def accumulate(reward: Reward, rollout: Rollout) -> Reward:
        mask = rollout.mask
        gamma, lam = coefficient(discount, rollout), coefficient(decay, rollout)
        passes = jnp.where(masked.step_ends(rollout), gamma, 1.0)
        value = jnp.where(mask, rollout.signal(values), 0)
        following = recursions.accumulate_after(value, jnp.where(mask, 0.0, 1.0))
        error = jnp.where(mask, reward.value + passes * following - value, 0)
        keep = jnp.where(mask, passes * lam, 1.0)
        advantage = recursions.accumulate(error, keep)
        return place(advantage, mask & reward.has_value[:, None])

    return on_one(accumulate)
