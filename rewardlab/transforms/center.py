"""Baselines: a number that does not depend on the action is taken off a reward."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab import masked
from rewardlab.compose import named, per_channel
from rewardlab.types import Reward, RewardTransform, Rollout, place


@named
def center_by_group(
    leave_one_out: bool = False, keep_singletons: bool = False
) -> RewardTransform:
    """r - mean of the group's placed rewards (GRPO, arXiv 2402.03300).

    With one reward a row this is the group mean of the rows; with several (steps,
    tokens) each counts once. `leave_one_out` takes the mean over the other rows
    (RLOO, arXiv 2402.14740). A group with a single row has no baseline: it becomes 0,
    or stays as it is with `keep_singletons` (verl).

    The mean is taken of distances to the group's least reward, so equal rewards give
    exactly 0 in any float type.
    """

    def center(reward: Reward, rollout: Rollout) -> Reward:
        least = _least(reward, rollout)
        distance = jnp.where(reward.placed, reward.value - least[:, None], 0)
        sums, counts = jnp.sum(distance, axis=1), masked.placed_count(reward)
        if leave_one_out:
            others = masked.group_sum(sums, rollout)[rollout.group] - sums
            n = masked.group_sum(counts, rollout)[rollout.group] - counts
            baseline = others / jnp.maximum(n, 1)
        else:
            baseline = masked.group_mean(sums, counts, rollout)
        rows = masked.group_sum(reward.has_value.astype(jnp.int32), rollout)
        alone = (rows[rollout.group] <= 1)[:, None]
        single = reward.value if keep_singletons else jnp.zeros_like(distance)
        centred = jnp.where(alone, single, distance - baseline[:, None])
        return place(centred, reward.placed)

    return per_channel(center)


def _least(reward: Reward, rollout: Rollout) -> Float[Array, " N"]:
    row = jnp.min(jnp.where(reward.placed, reward.value, jnp.inf), axis=1)
    least = masked.group_min(row, rollout)[rollout.group]
    return jnp.where(jnp.isfinite(least), least, 0)
