"""Importance weights pi / pi_sampler from `gap` = log pi - log pi_sampler [N, T].

A weight is made (`token_weights`, `row_weights`), bounded (`truncate`: TIS; `drop`:
MIS) and perhaps normalised, in this order. Weights carry no gradient, are 0 outside the
mask, and no log-ratio counts beyond +-`LIMIT` unless said.
"""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked

LIMIT = 20.0  # verl's bound on a log-ratio; TRL has none
Weights = Float[Array, "N T"]


def token_weights(
    gap: Float[Array, "N T"], mask: Bool[Array, "N T"], limit: float = LIMIT
) -> Weights:
    """exp(gap) of each token."""
    return _on(mask, jnp.where(mask, gap, 0), limit)


def row_weights(
    gap: Float[Array, "N T"], mask: Bool[Array, "N T"], limit: float = LIMIT
) -> Weights:
    """exp(sum_t gap) of the row, on each of its tokens."""
    return _on(mask, masked.total(gap, mask)[:, None], limit)


def _on(mask: Bool[Array, "N T"], log_w: Float[Array, "N _"], limit: float) -> Weights:
    weight = jnp.exp(jnp.clip(lax.stop_gradient(log_w), -limit, limit))
    return jnp.where(mask, weight, 0)


def truncate(weight: Weights, most: float = 2.0, least: float = 0.0) -> Weights:
    """clip(w, least, most) where there is a weight (TIS)."""
    return jnp.where(weight > 0, jnp.clip(weight, least, most), weight)


def drop(weight: Weights, most: float = 3.0, least: float = 0.0) -> Weights:
    """w where least <= w <= most, else 0 (MIS; IcePop)."""
    return jnp.where((weight >= least) & (weight <= most), weight, 0)


def normalize_by_tokens(weight: Weights, mask: Bool[Array, "N T"]) -> Weights:
    """w / its mean over the True tokens of the batch."""
    return _over(weight, masked.mean(weight, mask))


def normalize_by_rows(weight: Weights, mask: Bool[Array, "N T"]) -> Weights:
    """w / the mean over non-empty rows of the row's mean weight."""
    rows = masked.row_mean(weight, mask)
    return _over(weight, masked.mean(rows, jnp.any(mask, axis=1)))


def _over(weight: Weights, mean: Float[Array, ""]) -> Weights:
    return weight / jnp.where(mean > 1e-8, mean, 1)


def geometric_mean(weight: Weights, mask: Bool[Array, "N T"]) -> Weights:
    """exp(mean_t log w) of the row, on each of its tokens (how GMPO takes weights).

    A weight of 0 counts as 1e-10, as in verl.
    """
    row = masked.row_mean(jnp.log(weight + 1e-10), mask)[:, None]
    return jnp.where(mask, jnp.exp(row), 0)
