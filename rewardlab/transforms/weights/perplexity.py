"""Rows are weighted by how likely the policy finds them."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import (
    Coefficient,
    Reward,
    RewardTransform,
    Rollout,
    coefficient,
)


@named
def weigh_by_perplexity(alpha: Coefficient = 0.01) -> RewardTransform:
    """A_i = (1 - alpha z_i) A_i, z the log-perplexity of a row, standardised.

    z = (1, -1) and A = 1 with alpha = 0.01 -> (0.99, 1.01).

    Mean and std (over n) are those of all rows of the batch that have a token. Rows
    that the policy finds likelier weigh more. (arXiv 2508.02260)
    """

    def scale(reward: Reward, rollout: Rollout) -> Reward:
        z = standardized(log_perplexity(rollout), jnp.any(rollout.mask, axis=1))
        weight = 1 - coefficient(alpha, rollout) * z[:, None]
        return reward.with_value(reward.value * weight)

    return per_channel(scale)


def log_perplexity(rollout: Rollout) -> Float[Array, " N"]:
    """-mean log p of a row's True tokens, in nats; 0 for an empty row."""
    return -masked.row_mean(rollout.logp, rollout.mask)


def standardized(x: Float[Array, " N"], rows: Bool[Array, " N"]) -> Float[Array, " N"]:
    """(x - mean) / std of the True rows, std over n; 0 if equal to rounding."""
    distance = x - masked.smallest(x, rows)
    std = jnp.sqrt(masked.variance(x, rows))
    largest = jnp.max(jnp.abs(x), where=rows, initial=0)
    differ = std > 8 * jnp.finfo(x.dtype).eps * largest
    z = (distance - masked.mean(distance, rows)) / jnp.where(differ, std, 1)
    return jnp.where(rows & differ, z, 0)
