"""What a group of rewards says of its prompt, and which prompts to keep for it."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core import edges, masked
from rewardlab.core.intervals import need


def counts(group: Int[Array, " N"], num_groups: int) -> Int[Array, " B"]:
    """How many rows each group has."""
    return jax.ops.segment_sum(jnp.ones_like(group), group, num_groups)


def group_mean(
    reward: Float[Array, " N"], group: Int[Array, " N"], num_groups: int
) -> Float[Array, " B"]:
    """The mean of each group's rewards; 0 for a group without rows."""
    total = jax.ops.segment_sum(reward, group, num_groups)
    return masked.safe_divide(total, counts(group, num_groups))


def group_std(
    reward: Float[Array, " N"], group: Int[Array, " N"], num_groups: int
) -> Float[Array, " B"]:
    """sqrt(mean (r - mean)^2) of each group, exactly 0 where its rewards are equal.

    Distances are first taken to the least reward: numpy's std of 0.7 three times is
    1e-16, so that `std > 0` keeps a group from which nothing can be learned.
    """
    least = jax.ops.segment_min(reward, group, num_groups)[group]
    distance = reward - least
    away = distance - group_mean(distance, group, num_groups)[group]
    return edges.root(group_mean(away**2, group, num_groups))


def informative(
    reward: Float[Array, " N"],
    group: Int[Array, " N"],
    num_groups: int,
    min_std: float = 0.0,
    keep_singletons: bool = True,
) -> Bool[Array, " B"]:
    """std > min_std, or one row: prompts that dynamic sampling keeps.

    DAPO (arXiv 2503.14476), whose verl recipe keeps groups of one; UI-S1 has
    min_std=0.3. Both then sample more prompts until a batch is full, which no run
    here does.
    """
    need("informative", "[0, inf)", min_std=min_std)
    rows = counts(group, num_groups)
    varied = group_std(reward, group, num_groups) > min_std
    return ((rows == 1) & keep_singletons) | ((rows > 1) & varied)


def first_kept(keep: Bool[Array, " B"], size: int) -> Int[Array, " size"]:
    """The first `size` that are kept, in order; -1 where there are no more."""
    need("first_kept", "[0, inf)", size=size)
    return jnp.nonzero(keep, size=size, fill_value=-1)[0]


def greatest_share(score: Float[Array, " B"], share: float) -> Bool[Array, " B"]:
    """The int(share * B) greatest; of equals the first ones.

    SPEAR (arXiv 2509.22601) keeps share=0.75 of the prompts by `group_std`.
    """
    need("greatest_share", "[0, 1]", share=share)
    rank = jnp.argsort(jnp.argsort(-score, stable=True), stable=True)
    return rank < int(share * len(score))


def solve_rate(
    reward: Float[Array, " N"],
    group: Int[Array, " N"],
    num_groups: int,
    above: float = 0.0,
) -> Float[Array, " B"]:
    """The share of each group's rewards that are > above."""
    passed = (reward > above).astype(reward.dtype)
    return group_mean(passed, group, num_groups)


def solved(rate: Float[Array, " B"], at: float = 0.9) -> Bool[Array, " B"]:
    """rate >= at: prompts to drop at the end of an epoch. (RAPO, arXiv 2509.24107)"""
    need("solved", "(0, 1]", at=at)
    return rate >= at


def task_value(
    reward: Float[Array, " N"],
    group: Int[Array, " N"],
    num_groups: int,
    best: float = 1.0,
) -> Float[Array, " B"]:
    """(best - mean) std: what is left to learn, times how well it can be told apart.

    0 for a prompt that is always solved, and for one that never is. (VSPO, arXiv
    2512.07478; that the std divides by n is a guess)
    """
    room = best - group_mean(reward, group, num_groups)
    return room * group_std(reward, group, num_groups)
