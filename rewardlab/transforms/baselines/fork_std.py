"""Trees of episodes: how far apart siblings are."""

import jax.numpy as jnp

from rewardlab.core import edges, masked, nodes
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import (
    Coefficient,
    Reward,
    RewardTransform,
    Rollout,
    SignalName,
    coefficient,
)


@named
def scale_by_fork_std(node: SignalName, eps: Coefficient = 1e-8) -> RewardTransform:
    """r / (std + eps), std over n of a branch and its siblings, each counted once.

    Siblings with 1/2 and -1/2 -> 1 and -1.

    Siblings are those of `center_by_fork`, after which it stands; equal ones divide by
    eps alone. (SPO-tree, arXiv 2505.23564)
    """

    def scale(reward: Reward, rollout: Rollout) -> Reward:
        tree = nodes.forest(rollout.signal(node), reward.placed, rollout)
        forks, first, size = tree.fork, tree.first, reward.placed.size
        n = masked.set_sum(first.astype(jnp.int32), forks, size)
        total = masked.set_sum(jnp.where(first, reward.value, 0), forks, size)
        away = jnp.where(first, reward.value - masked.safe_divide(total, n), 0)
        var = masked.safe_divide(masked.set_sum(away**2, forks, size), n)
        over = edges.over(reward.value, jnp.sqrt(var), coefficient(eps, rollout))
        return reward.with_value(over)

    return per_channel(scale)
