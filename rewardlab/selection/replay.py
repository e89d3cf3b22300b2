"""Rows of the past: which to store, which to bring back, and what they are worth."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from rewardlab.core import edges, masked
from rewardlab.core.intervals import need
from rewardlab.selection.filtration import best_of_group


def worth_storing(
    advantage: Float[Array, "N T"], mask: Bool[Array, "N T"]
) -> Bool[Array, " N"]:
    """Rows whose mean advantage is > 0. (SPEAR, arXiv 2509.22601)"""
    return masked.row_mean(advantage, mask) > 0


def fresh(
    stored_at: Int[Array, " M"], now: Int[Array, ""], most: int = 10
) -> Bool[Array, " M"]:
    """Rows at most `most` iterations old. (SPEAR, arXiv 2509.22601)"""
    need("fresh", "[0, inf)", most=most)
    return now - stored_at <= most


def recalibrated(
    reward: Float[Array, " M"],
    past_means: Float[Array, " H"],
    past_stds: Float[Array, " H"] | None = None,
    eps: float = 1e-6,
) -> Float[Array, " M"]:
    """(r - median of past group means) / (median of past group stds + eps).

    What a stored reward is worth today, without rewards of its own prompt; without
    `past_stds` nothing is divided; means that are NaN are of no group. Only rows above
    0 are replayed. (SPEAR, arXiv 2509.22601)
    """
    need("recalibrated", "[0, inf)", eps=eps)
    moved = reward - jnp.nanmedian(past_means)
    if past_stds is None:
        return moved
    return edges.over(moved, jnp.nanmedian(past_stds), eps)


def remember(stored: Any, rows: Any, slot: Int[Array, " N"], keep: Array) -> Any:
    """The store with each kept row written in its slot; the last one of a slot stays.

    `stored` is a pytree of [slots, ...] and `rows` one of [N, ...]; a slot a prompt and
    `keep` = reward > 0.5 is the buffer of RAPO (arXiv 2509.24107).
    """
    slots = jax.tree.leaves(stored)[0].shape[0]
    latest = jax.ops.segment_max(
        jnp.where(keep, jnp.arange(len(slot)), -1), slot, slots
    )

    def write(old: Array, new: Array) -> Array:
        there = (latest >= 0).reshape(-1, *[1] * (old.ndim - 1))
        return jnp.where(there, new[latest], old)

    return jax.tree.map(write, stored, rows)


def to_replace(
    key: PRNGKeyArray,
    reward: Float[Array, " N"],
    group: Int[Array, " N"],
    stored: Bool[Array, " B"],
    above: float = 0.5,
) -> Bool[Array, " N"]:
    """One random row of each group in which all failed and for which one is stored.

    A reward > `above` is no failure. (RAPO, arXiv 2509.24107)
    """
    top = jax.ops.segment_max(reward, group, len(stored))
    failed = (top <= above) & stored
    chance = jax.random.uniform(key, reward.shape)
    return best_of_group(chance, group, len(stored)) & failed[group]


def opposite(
    key: PRNGKeyArray,
    right: Bool[Array, " N"],
    group: Int[Array, " N"],
    stored_right: Bool[Array, " M"],
    stored_group: Int[Array, " M"],
    num_groups: int,
    size: int = 1,
) -> tuple[Int[Array, "B size"], Bool[Array, "B size"]]:
    """For groups of equal outcomes, `size` stored rows of the other outcome at random.

    Gives their indices in the store, and which of them exist. The advantages of the
    mixed group are again of mean 0. (replay of R^3, arXiv 2601.19620)
    """
    need("opposite", "[0, inf)", size=size)
    best = jax.ops.segment_max(right.astype(jnp.int32), group, num_groups)[:, None]
    least = jax.ops.segment_min(right.astype(jnp.int32), group, num_groups)[:, None]
    mine = stored_group[None] == jnp.arange(num_groups)[:, None]
    other = jnp.where(stored_right[None], best == 0, least == 1)
    fits = mine & other
    chance = jax.random.uniform(key, fits.shape)
    chance = jnp.where(fits, chance, -1.0)
    chance = jnp.pad(chance, ((0, 0), (0, size)), constant_values=-1.0)  # a small store
    score, index = jax.lax.top_k(chance, size)
    return jnp.where(score >= 0, index, 0), score >= 0
