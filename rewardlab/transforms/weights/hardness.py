"""Prompts and completions are weighted by difficulty: DR-IRL's dynamic scaling."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import Reward, RewardTransform, Rollout, SignalName


@named
def weigh_by_unlikeness(similarity: SignalName) -> RewardTransform:
    """A_i * sigmoid(1 - W_i) / sigmoid(mean of 1 - W over the group), W [N] in [-1, 1].

    Equal similarities -> unchanged.

    W is the similarity of a completion to its target (the mean over clauses of the
    largest cosine). (DR-IRL, arXiv 2503.18991)
    """

    def weigh(reward: Reward, rollout: Rollout) -> Reward:
        rows = reward.has_value
        unlike = jnp.where(rows, 1 - rollout.signal(similarity), 0)
        weight = _quotient(unlike, _mean(unlike, rows, rollout))
        return reward.map(jnp.multiply, weight)

    return per_channel(weigh)


@named
def weigh_by_gap(gap: SignalName, tau: float = math.inf) -> RewardTransform:
    """A_i * sigmoid(mean of kept gaps) / sigmoid(mean gap), both over the group.

    tau = inf -> unchanged.

    The signal [N] is a completion's reward minus the reference's. A gap is kept if its
    squared distance to the mean is at most tau; if none is, all are. (DR-IRL, arXiv
    2503.18991)
    """

    def weigh(reward: Reward, rollout: Rollout) -> Reward:
        rows = reward.has_value
        gaps = jnp.where(rows, rollout.signal(gap), 0)
        mean = _mean(gaps, rows, rollout)
        kept = rows & ((gaps - mean) ** 2 <= tau)
        some = masked.sum_over_group(kept.astype(jnp.int32), rollout) > 0
        middle = jnp.where(some, _mean(gaps, kept, rollout), mean)
        weight = _quotient(middle, mean)
        return reward.map(jnp.multiply, weight)

    return per_channel(weigh)


def _quotient(x: Float[Array, " N"], y: Float[Array, " N"]) -> Float[Array, " N"]:
    """sigmoid(x) / sigmoid(y), also where both underflow."""
    return jnp.exp(jax.nn.log_sigmoid(x) - jax.nn.log_sigmoid(y))


def _mean(
    x: Float[Array, " N"], rows: Bool[Array, " N"], rollout: Rollout
) -> Float[Array, " N"]:
    sums = masked.sum_over_group(jnp.where(rows, x, 0), rollout)
    return masked.safe_divide(
        sums, masked.sum_over_group(rows.astype(jnp.int32), rollout)
    )
