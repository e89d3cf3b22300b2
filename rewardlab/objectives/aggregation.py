"""Aggregations: how much a token weighs, and what a row counts."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rewardlab.objectives.objective import Aggregation


def token_mean(
    mask: Bool[Array, "N T"],
) -> tuple[Float[Array, "N T"], Float[Array, " N"]]:
    """Every token counts once (DAPO, arXiv 2503.14476)."""
    return jnp.ones(mask.shape), jnp.sum(mask, axis=1).astype(jnp.float32)


def sequence_mean(
    mask: Bool[Array, "N T"],
) -> tuple[Float[Array, "N T"], Float[Array, " N"]]:
    """Mean over non-empty rows of the row's token mean (GRPO, arXiv 2402.03300)."""
    length = jnp.sum(mask, axis=1)
    weight = 1 / jnp.maximum(length, 1)[:, None]
    return jnp.broadcast_to(weight, mask.shape), jnp.minimum(length, 1) * 1.0


def sequence_sum(
    mask: Bool[Array, "N T"],
) -> tuple[Float[Array, "N T"], Float[Array, " N"]]:
    """Mean over non-empty rows of the row's token sum (REINFORCE)."""
    rows = jnp.any(mask, axis=1)
    return jnp.ones(mask.shape), rows.astype(jnp.float32)


def constant(length: int) -> Aggregation:
    """Token sum / (rows * length), whatever the lengths (Dr. GRPO, arXiv 2503.20783).

    `length` is the generation limit in tokens; empty rows count too.
    """

    def aggregate(
        mask: Bool[Array, "N T"],
    ) -> tuple[Float[Array, "N T"], Float[Array, " N"]]:
        return jnp.ones(mask.shape), jnp.full(mask.shape[:1], float(length))

    return aggregate
