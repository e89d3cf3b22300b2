"""Baselines: a number that does not depend on the action is taken off a reward."""

import jax.numpy as jnp

from rewardlab.core import masked
from rewardlab.core.compose import named
from rewardlab.core.narrow import anywhere
from rewardlab.core.types import Reward, RewardTransform, Rollout, place


@named
def center_by_group(
    leave_one_out: bool = False,
    keep_singletons: bool = False,
    zero_singletons: bool = False,
) -> RewardTransform:
    """r - mean of the group's placed rewards (GRPO, arXiv 2402.03300).

    With one reward a row this is the group's mean over rows; with several (steps,
    tokens) each counts once. `leave_one_out` takes the mean over the other rows (RLOO,
    arXiv 2402.14740). A reward with nothing to compare with has no baseline and is
    taken away; with `keep_singletons` it stays as it is (verl), and with
    `zero_singletons` it is 0, a reward like others (GPG, arXiv 2504.02546).

    The mean is taken of distances to the group's least reward, so equal rewards give
    exactly 0 in any float type.
    """

    def center(reward: Reward, rollout: Rollout) -> Reward:
        score = jnp.where(reward.placed, reward.value, jnp.inf)
        least = masked.group_least(jnp.min(score, axis=1), rollout)
        distance = jnp.where(reward.placed, reward.value - least[:, None], 0)
        sums = reward.add_up(distance)
        counts = masked.placed_count(reward)
        over = masked.of_others if leave_one_out else masked.of_group
        n = over(counts, rollout)
        baseline = masked.divide(over(sums, rollout), n)
        compared = (n > (0 if leave_one_out else 1))[:, None]
        centred = distance - baseline[:, None]
        if keep_singletons:
            return reward.with_value(jnp.where(compared, centred, reward.value))
        if zero_singletons:
            return reward.with_value(jnp.where(compared, centred, 0))
        return place(centred, reward.placed & compared)

    return anywhere(center)
