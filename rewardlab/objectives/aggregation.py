"""Aggregations: how much a token weighs, and what a row counts.

The mean is sum_it w_it l_it / sum_i c_i over the whole batch: counts add up over shards
and micro-batches before anything is divided.
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked
from rewardlab.objectives.objective import Aggregation

Weights = Float[Array, "N T"]
Counts = Float[Array, " N"]


def token_mean(mask: Bool[Array, "N T"]) -> tuple[Weights, Counts]:
    """Every token counts once (DAPO, arXiv 2503.14476)."""
    return jnp.ones(mask.shape), jnp.sum(mask, axis=1) * 1.0


def sequence_mean(mask: Bool[Array, "N T"]) -> tuple[Weights, Counts]:
    """Mean over non-empty rows of the row's token mean (GRPO, arXiv 2402.03300)."""
    return _of_own_length(mask), jnp.any(mask, axis=1) * 1.0


def sequence_mean_all(mask: Bool[Array, "N T"]) -> tuple[Weights, Counts]:
    """As `sequence_mean`, but empty rows count too (TRL's GRPO, GMPO)."""
    return _of_own_length(mask), jnp.ones(mask.shape[:1])


def sequence_sum(mask: Bool[Array, "N T"]) -> tuple[Weights, Counts]:
    """Mean over non-empty rows of the row's token sum (REINFORCE)."""
    return jnp.ones(mask.shape), jnp.any(mask, axis=1) * 1.0


def sequence_sum_all(mask: Bool[Array, "N T"]) -> tuple[Weights, Counts]:
    """As `sequence_sum`, but empty rows count too (LUSPO, arXiv 2602.05261)."""
    return jnp.ones(mask.shape), jnp.ones(mask.shape[:1])


def constant(length: float) -> Aggregation:
    """Token sum / (rows * length), whatever the lengths (Dr. GRPO, arXiv 2503.20783).

    `length` is the generation limit in tokens; empty rows count too.
    """

    def aggregate(mask: Bool[Array, "N T"]) -> tuple[Weights, Counts]:
        return jnp.ones(mask.shape), jnp.full(mask.shape[:1], float(length))

    return aggregate


def constant_non_empty(length: float) -> Aggregation:
    """As `constant`, without empty rows (Tunix's sequence-mean-token-scale)."""

    def aggregate(mask: Bool[Array, "N T"]) -> tuple[Weights, Counts]:
        return jnp.ones(mask.shape), jnp.any(mask, axis=1) * float(length)

    return aggregate


def _of_own_length(mask: Bool[Array, "N T"]) -> Weights:
    weight = masked.safe_divide(jnp.ones(mask.shape[:1]), jnp.sum(mask, axis=1))
    return jnp.broadcast_to(weight[:, None], mask.shape)
