"""Trees of episodes: a branch is compared with its siblings."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Int

from rewardlab.core import masked
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import Reward, RewardTransform, Rollout, SignalName, place


@named
def center_by_fork(node: SignalName) -> RewardTransform:
    """V(v) - mean of V over v and its siblings; V is the mean of a node's rewards.

    Two children of a node with values 1 and 0 -> 1/2 and -1/2.

    The signal `node` [N, T] is the node of the tree that each token belongs to: an
    integer >= 0, equal in all rows of a prompt that share the step. Siblings follow the
    same node (or the prompt) and count once each, however many rows pass through them.
    An only child has nothing to be compared with. Rewards stand on step ends, as after
    `return_from_step`. (PORTool, arXiv 2510.26020)
    """

    def center(reward: Reward, rollout: Rollout) -> Reward:
        here, placed = rollout.signal(node), reward.placed
        keys = (rollout.group[:, None], _parents(here, rollout), here)
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
        return place(value - masked.safe_divide(total, n), placed & (n > 1))

    return per_channel(center)


def _parents(node: Int[Array, "N T"], rollout: Rollout) -> Int[Array, "N T"]:
    """The node of the last True token before each token's step; -1 before the first."""
    position = jnp.arange(node.shape[1])[None]
    seen = lax.cummax(jnp.where(rollout.mask, position, -1), axis=1)
    before = jnp.pad(seen, ((0, 0), (1, 0)), constant_values=-1)[:, :-1]
    before = jnp.take_along_axis(before, masked.step_starts(rollout), axis=1)
    parent = jnp.take_along_axis(node, jnp.maximum(before, 0), axis=1)
    return jnp.where(before < 0, -1, parent)
