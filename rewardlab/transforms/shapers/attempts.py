"""Second attempts: paid for the improvement over the first, or alone."""

import jax.numpy as jnp

from rewardlab.core import recursions
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import (
    Coefficient,
    Reward,
    RewardTransform,
    Rollout,
    coefficient,
    place,
)


@named
def improvement_bonus(alpha: Coefficient = 10.0) -> RewardTransform:
    """r_k = s_k + alpha (s_k - s_{k-1}) from the row's second reward on; r_1 = s_1.

    Verdicts (0, 1) -> (0, 1 + alpha), and (1, 0) -> (1, -alpha).

    Breaking a right first attempt costs what mending a wrong one pays. Stage II of
    SCoRe (arXiv 2409.12917).
    """

    def add(reward: Reward, rollout: Rollout) -> Reward:
        score, placed = reward.value[:, ::-1], reward.placed[:, ::-1]
        carried = recursions.accumulate(score, jnp.where(placed, 0, 1))[:, ::-1]
        before = jnp.pad(carried, ((0, 0), (1, 0)))[:, :-1]
        count = jnp.cumsum(reward.placed, axis=1)
        gain = jnp.where(count > 1, reward.value - before, 0)
        return reward.with_value(reward.value + coefficient(alpha, rollout) * gain)

    return per_channel(add)


@named
def only_step(number: int) -> RewardTransform:
    """Keeps the rewards of one step or turn, counted from 0, and removes the others.

    Rewards (0, 1) with step=1 -> (none, 1).

    A row without such a step has no reward left: it abstains. Stage I of SCoRe (arXiv
    2409.12917) pays only the second attempt, and charges the first for leaving the
    reference policy.
    """

    def keep(reward: Reward, rollout: Rollout) -> Reward:
        return place(reward.value, reward.placed & (rollout.step == number))

    return per_channel(keep)
