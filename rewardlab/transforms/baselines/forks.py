"""Trees of episodes: a branch is compared with its siblings."""

import jax.numpy as jnp

from rewardlab.core import masked
from rewardlab.core.compose import named, per_channel
from rewardlab.core.nodes import parents
from rewardlab.core.types import Reward, RewardTransform, Rollout, SignalName, place


@named
def center_by_fork(node: SignalName, leave_one_out: bool = False) -> RewardTransform:
    """V(v) - mean of V over v and its siblings; V is the mean of a node's rewards.

    Two children of a node with values 1 and 0 -> 1/2 and -1/2.

    The signal `node` [N, T] is the node of the tree that each token belongs to: an
    integer >= 0, equal in all rows of a prompt that share the step. Siblings follow the
    same node (or the prompt) and count once each, however many rows pass through them.
    An only child has nothing to be compared with. Rewards stand on step ends, as after
    `return_from_step`. (PORTool, arXiv 2510.26020)
    `leave_one_out` takes the mean over the siblings alone (C3, 2603.06859).
    """

    def center(reward: Reward, rollout: Rollout) -> Reward:
        here, placed = rollout.signal(node), reward.placed
        keys = (rollout.group[:, None], parents(here, rollout), here)
        _, forks, nodes = masked.dense_ids_of_each(
            *(jnp.where(placed, k, -2) for k in keys)
        )
        size = here.size
        score = jnp.where(placed, reward.value, jnp.inf)
        distance = reward.value - masked.set_min(score, forks, size)
        distance = jnp.where(placed, distance, 0)
        rows = masked.set_sum(placed.astype(jnp.int32), nodes, size)
        value = masked.safe_divide(masked.set_sum(distance, nodes, size), rows)
        index = jnp.arange(size, dtype=jnp.int32).reshape(here.shape)
        first = placed & (index == masked.set_min(index, nodes, size))
        n = masked.set_sum(first.astype(jnp.int32), forks, size)
        total = masked.set_sum(jnp.where(first, value, 0), forks, size)
        if leave_one_out:
            total, n = total - value, n - 1
            return place(value - masked.safe_divide(total, n), placed & (n > 0))
        return place(value - masked.safe_divide(total, n), placed & (n > 1))

    return per_channel(center)
