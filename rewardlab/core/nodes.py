"""Trees of episodes: which node each step is, what follows it, and sums over nodes."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core import masked
from rewardlab.core.types import Rollout


class Forest(NamedTuple):
    """The steps of all rows as nodes of their prompts' trees; one entry a step end."""

    entry: Bool[Array, "N T"]  # the step ends that are in the tree
    node: Int[Array, "N T"]  # equal where two rows share the step, 0 .. N T - 1
    prompt: Int[Array, "N T"]
    fork: Int[Array, "N T"]  # equal where two nodes follow the same one
    next: Int[Array, "N T"]  # where the row's next entry stands; T after the last
    start: Bool[Array, "N T"]  # the first entry of each row
    head: Bool[Array, "N T"]  # one entry for each child of a node
    first: Bool[Array, "N T"]  # one entry for each node

    @property
    def inner(self) -> Bool[Array, "N T"]:
        """Entries after which the row goes on."""
        return self.entry & (self.next < self.entry.shape[1])

    @property
    def siblings(self) -> Bool[Array, "N T"]:
        """Entries whose node is not the only one that follows its parent."""
        one = self.first.astype(jnp.int32)
        return self.entry & (masked.set_sum(one, self.fork, one.size) > 1)

    def ahead(
        self, x: Float[Array, "N T"], last: Float[Array, "N T"]
    ) -> Float[Array, "N T"]:
        """The number of the row's next entry; `last` where there is none."""
        width = self.entry.shape[1]
        found = jnp.take_along_axis(x, jnp.minimum(self.next, width - 1), axis=1)
        return jnp.where(self.inner, found, last)

    def behind(
        self, x: Float[Array, "N T"], first: Float[Array, "N T"]
    ) -> Float[Array, "N T"]:
        """The number of the row's entry before; `first` where there is none."""
        position = jnp.arange(x.shape[1])[None]
        seen = lax.cummax(jnp.where(self.entry, position, 0), axis=1)
        before = jnp.pad(seen, ((0, 0), (1, 0)))[:, :-1]
        found = jnp.take_along_axis(x, before, axis=1)
        return jnp.where(self.start, first, found)


def forest(
    node: Int[Array, "N T"], entry: Bool[Array, "N T"], rollout: Rollout
) -> Forest:
    """The trees that the signal `node` says, over the step ends `entry`.

    A node's children are the nodes that follow it, and each row that ends in it.
    """
    rows, width = entry.shape
    position = jnp.arange(width)[None]
    here = jnp.where(entry, position, width)
    after = jnp.pad(lax.cummin(here, axis=1, reverse=True), ((0, 0), (0, 1)))
    after = after.at[:, -1].set(width)[:, 1:]
    group = jnp.broadcast_to(rollout.group[:, None], entry.shape)
    level = jnp.cumsum(entry, axis=1)  # so that no node can follow itself
    keys = (group, level, parents(node, rollout), node)
    kept = (jnp.where(entry, key, -2) for key in keys)
    prompt, _, fork, name = masked.dense_ids_of_each(*kept)
    index = jnp.arange(rows * width, dtype=jnp.int32).reshape(entry.shape)
    following = jnp.take_along_axis(name, jnp.minimum(after, width - 1), axis=1)
    own = rows * width + jnp.arange(rows)[:, None]
    child = jnp.where(after < width, following, own)
    pair = masked.dense_ids(name, child)
    leads = lambda ids: entry & (index == _least(index, entry, ids))  # noqa: E731
    start = entry & (jnp.cumsum(entry, axis=1) == 1)
    return Forest(entry, name, prompt, fork, after, start, leads(pair), leads(name))


def parents(node: Int[Array, "N T"], rollout: Rollout) -> Int[Array, "N T"]:
    """The node of the last True token before each token's step; -1 before the first."""
    position = jnp.arange(node.shape[1])[None]
    seen = lax.cummax(jnp.where(rollout.mask, position, -1), axis=1)
    before = jnp.pad(seen, ((0, 0), (1, 0)), constant_values=-1)[:, :-1]
    before = jnp.take_along_axis(before, masked.step_starts(rollout), axis=1)
    parent = jnp.take_along_axis(node, jnp.maximum(before, 0), axis=1)
    return jnp.where(before < 0, -1, parent)


def child_means(
    leaf: Float[Array, " N"], weight: Float[Array, "N T"], tree: Forest
) -> tuple[Float[Array, "N T"], Float[Array, "N T"]]:
    """V(node) = sum_c w_c V(c) / sum_c w_c over its children, from the leaves up.

    And that of the root of each prompt's tree, in the place of each of its entries. A
    row that ends in a node is a child of it, worth `leaf` [N] with weight 1.
    """
    ends = jnp.broadcast_to(leaf[:, None], weight.shape)
    share = jnp.where(tree.head, tree.ahead(weight, jnp.ones_like(weight)), 0)
    whole = masked.set_sum(share, tree.node, share.size)

    def up(found: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        value, _, round_ = found
        each = jnp.where(tree.head, share * tree.ahead(value, ends), 0)
        total = masked.set_sum(each, tree.node, each.size)
        new = jnp.where(tree.entry, total / jnp.where(whole > 0, whole, 1), 0)
        return new, jnp.any(new != value), round_ + 1

    goes_on = lambda x: x[1] & (x[2] <= weight.shape[1])  # noqa: E731
    begun = (jnp.zeros_like(ends), jnp.array(True), jnp.zeros((), jnp.int32))
    value = lax.while_loop(goes_on, up, begun)[0]
    return value, _root(value, weight, tree)


def leaf_means(
    leaf: Float[Array, " N"], tree: Forest
) -> tuple[Float[Array, "N T"], Float[Array, "N T"]]:
    """The mean of `leaf` over the rows that pass through a node, and of a prompt."""
    ends = jnp.where(tree.entry, leaf[:, None], 0)
    rows = masked.set_sum(tree.entry.astype(jnp.int32), tree.node, ends.size)
    value = masked.safe_divide(masked.set_sum(ends, tree.node, ends.size), rows)
    once = tree.start.astype(jnp.int32)
    whole = masked.set_sum(jnp.where(tree.start, ends, 0), tree.prompt, ends.size)
    root = masked.safe_divide(whole, masked.set_sum(once, tree.prompt, ends.size))
    return jnp.where(tree.entry, value, 0), root


def _root(
    value: Float[Array, "N T"], weight: Float[Array, "N T"], tree: Forest
) -> Float[Array, "N T"]:
    top = jnp.where(tree.start & tree.first, weight, 0)
    total = masked.set_sum(top * value, tree.prompt, value.size)
    whole = masked.set_sum(top, tree.prompt, value.size)
    return total / jnp.where(whole > 0, whole, 1)


def _least(
    index: Int[Array, "N T"], entry: Bool[Array, "N T"], ids: Int[Array, "N T"]
) -> Int[Array, "N T"]:
    return masked.set_min(jnp.where(entry, index, index.size), ids, index.size)
