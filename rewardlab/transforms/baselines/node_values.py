"""A node of a tree of episodes by the leaves under it, against its parent or root."""

from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.core import masked, nodes
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import Reward, RewardTransform, Rollout, SignalName, place
from rewardlab.transforms.sources.signals import at_steps


@named
def node_values(
    node: SignalName,
    how: Literal["children", "leaves", "softmax"] = "children",
    over: Literal["", "parent", "root", "both"] = "",
    entropy: SignalName = "",
) -> RewardTransform:
    """V(v) at each step's end: the mean of its children's, from the rows' totals up.

    Leaves 1 and 0 under one child, 0 under its sibling -> 1/2 and 0, over='parent'
    1/4 and -1/4.

    The signal `node` [N, T] is the node that each token belongs to (`center_by_fork`).
    `how`: "children" weighs children alike, "leaves" rows, "softmax" children by exp of
    their `entropy` [N, S], nats, mean over the rows that share one. `over`: "" is the
    value itself; it less its parent's or the root's, or the sum of both differences. A
    row that ends where others go on is a child too. (AT2PO, arXiv 2601.04767; CARL,
    2512.04949)
    """

    def value(reward: Reward, rollout: Rollout) -> Reward:
        entry = masked.step_ends(rollout) & reward.has_value[:, None]
        tree = nodes.forest(rollout.signal(node), entry, rollout)
        total = jnp.where(reward.has_value, reward.total, jnp.inf)
        low = masked.group_min(total, rollout)
        leaf = jnp.where(reward.has_value, total - low, 0)
        if how == "leaves":
            found, root = nodes.leaf_means(leaf, tree)
        else:
            weight = _weights(rollout, entropy if how == "softmax" else "", tree)
            found, root = nodes.child_means(leaf, weight, tree)
        before = tree.behind(found, root)
        minus = {
            "": found + low[:, None],
            "parent": found - before,
            "root": found - root,
            "both": (found - before) + (found - root),
        }
        return place(minus[over], entry)

    return per_channel(value)


def _weights(
    rollout: Rollout, entropy: SignalName, tree: nodes.Forest
) -> Float[Array, "N T"]:
    if not entropy:
        return jnp.ones(tree.entry.shape)
    heat = jnp.where(tree.entry, at_steps(rollout.signal(entropy), rollout), 0)
    rows = masked.set_sum(tree.entry.astype(jnp.int32), tree.node, heat.size)
    return jnp.exp(masked.safe_divide(masked.set_sum(heat, tree.node, heat.size), rows))
