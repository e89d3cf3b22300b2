"""Aggregations: how much a token weighs, and what a row counts.

The mean is sum_it w_it l_it / sum_i c_i over the whole batch: counts add up over shards
and micro-batches before anything is divided. Each word makes one: `token_mean()`.
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked
from rewardlab.objectives.objective import Aggregation

Mask = Bool[Array, "N T"]
Weights = Float[Array, "N T"]
Counts = Float[Array, " N"]


def token_mean() -> Aggregation:
    """Every token counts once (DAPO, arXiv 2503.14476)."""
    return lambda mask: (jnp.ones(mask.shape), jnp.sum(mask, axis=1) * 1.0)


def sequence_mean() -> Aggregation:
    """Mean over non-empty rows of the row's token mean (GRPO, arXiv 2402.03300)."""
    return lambda mask: (_of_own_length(mask), jnp.any(mask, axis=1) * 1.0)


def sequence_mean_all() -> Aggregation:
    """As `sequence_mean`, but empty rows count too (TRL's GRPO, GMPO)."""
    return lambda mask: (_of_own_length(mask), jnp.ones(mask.shape[:1]))


def sequence_sum() -> Aggregation:
    """Mean over non-empty rows of the row's token sum (REINFORCE)."""
    return lambda mask: (jnp.ones(mask.shape), jnp.any(mask, axis=1) * 1.0)


def sequence_sum_all() -> Aggregation:
    """As `sequence_sum`, but empty rows count too (LUSPO, arXiv 2602.05261)."""
    return lambda mask: (jnp.ones(mask.shape), jnp.ones(mask.shape[:1]))


def constant(length: float | None = None) -> Aggregation:
    """Token sum / (rows * length), whatever the lengths (Dr. GRPO, arXiv 2503.20783).

    `length` is in tokens; None is the generation limit, T. Empty rows count too.
    """

    def aggregate(mask: Mask) -> tuple[Weights, Counts]:
        limit = mask.shape[1] if length is None else length
        return jnp.ones(mask.shape), jnp.ones(mask.shape[:1]) * limit

    return aggregate


def constant_non_empty(length: float | None = None) -> Aggregation:
    """As `constant`, without empty rows (Tunix's sequence-mean-token-scale)."""

    def aggregate(mask: Mask) -> tuple[Weights, Counts]:
        limit = mask.shape[1] if length is None else length
        return jnp.ones(mask.shape), jnp.any(mask, axis=1) * (1.0 * limit)

    return aggregate


def _of_own_length(mask: Mask) -> Weights:
    weight = masked.safe_divide(jnp.ones(mask.shape[:1]), jnp.sum(mask, axis=1))
    return jnp.broadcast_to(weight[:, None], mask.shape)
