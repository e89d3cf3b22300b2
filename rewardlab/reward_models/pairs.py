"""Pairs inside a group: who succeeded against who failed, and who was told apart."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core import masked
from rewardlab.core.types import Sum


def told_apart(
    success: Bool[Array, " N"], group: Int[Array, " N"]
) -> Bool[Array, "N N"]:
    """Whether row i succeeded where row j of its group did not.

    Rows that do not count are left out by a group of their own: see `apart`.
    """
    return (group[:, None] == group) & success[:, None] & ~success[None]


def apart(group: Int[Array, " N"], there: Bool[Array, " N"]) -> Int[Array, " N"]:
    """The groups, and one of its own for each row that is not there.

    groups (0, 0, 1), of which the second row is not there -> (0, -2, 1)
    """
    return jnp.where(there, group, -1 - jnp.arange(group.shape[0]))


def trajectory_dpo(
    reward: Float[Array, " N"], success: Bool[Array, " N"], group: Int[Array, " N"]
) -> Sum:
    """-log sigmoid(r+ - r-) over every pair of a success and a failure of a group.

    `reward` is beta times a trajectory's log-ratio, summed over its steps, and carries
    the gradient. iStar (arXiv 2509.19199) trains its implicit step rewards so, with the
    policy that sampled as the reference. Its released code takes the mean over steps
    and detaches the log-ratio, so that nothing is learned there. A batch without pairs
    gives 0.
    """
    loss = jax.nn.softplus(reward[None] - reward[:, None])
    return masked.sum_of(loss, told_apart(success, group))


def pair_auc(
    score: Float[Array, " N"], success: Bool[Array, " N"], group: Int[Array, " N"]
) -> Sum:
    """The share of those pairs whose success has the higher score; ties are half.

    scores (2, 1, 1) of a success and two failures -> 1, of (1, 1, 2) -> 1/4
    """
    higher, same = score[:, None] > score[None], score[:, None] == score[None]
    return masked.sum_of(higher + same / 2, told_apart(success, group))


def pair_accuracy(
    score: Float[Array, " N"], label: Float[Array, " N"], group: Int[Array, " N"]
) -> Float[Array, ""]:
    """Mean over groups of the share of pairs that scores put in the order of labels.

    Pairs weigh their difference of labels; a group of equal labels counts 1/2. Equal
    scores say that the row that comes first is better (PRIME, arXiv 2502.01456).
    """
    rows = jnp.arange(score.shape[0])
    pair = (group[:, None] == group) & (rows[:, None] < rows[None])
    apart = label[None] - label[:, None]
    right = (score[None] > score[:, None]) == (apart > 0)
    weight = jnp.where(pair, jnp.abs(apart), 0)
    won, weights = (
        jax.ops.segment_sum(jnp.sum(x, axis=1), group, score.shape[0])
        for x in (jnp.where(right, weight, 0), weight)
    )
    share = jnp.where(weights > 0, won / jnp.where(weights > 0, weights, 1), 0.5)
    there = jax.ops.segment_sum(jnp.ones_like(rows), group, score.shape[0]) > 0
    return masked.mean(share, there)
