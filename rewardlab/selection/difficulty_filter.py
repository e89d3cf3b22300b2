"""Prompts that are neither too easy nor too hard, with answers that were not cut off.

PRIME (arXiv 2502.01456) trains on no others.
"""

import jax
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core.intervals import need
from rewardlab.selection.groups import counts, group_mean


def accuracy_within(
    accuracy: Float[Array, " N"],
    group: Int[Array, " N"],
    num_groups: int,
    low: float = 0.2,
    high: float = 0.8,
) -> Bool[Array, " B"]:
    """low <= mean accuracy <= high of each group; False for a group without rows."""
    mean = group_mean(accuracy, group, num_groups)
    return (counts(group, num_groups) > 0) & (mean >= low) & (mean <= high)


def all_shorter(
    length: Int[Array, " N"], group: Int[Array, " N"], num_groups: int, limit: int
) -> Bool[Array, " B"]:
    """Every row of the group is shorter than `limit` tokens, so none was cut off."""
    need("all_shorter", "[1, inf)", limit=limit)
    return jax.ops.segment_max(length, group, num_groups) < limit
