"""Which tokens or rows are too far from the policy to learn from.

A statistic of `gap` = log pi - log pi_sampler is made of tokens (`token_k1`, `_k2`,
`_k3`), perhaps gathered over a row (`row_sum`, `row_mean`, `row_max`), and kept within
bounds (`within_ratio` for k1, `at_most` for the others). Several keep by `&`; the new
mask is `mask & keep`.
"""

import math

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rewardlab.core import edges, masked

LIMIT = 20.0
PerToken = Float[Array, "N T"]


def token_k1(gap: PerToken) -> PerToken:
    """-gap = log(pi_sampler / pi): its bounds are those of the inverse ratio."""
    return -jnp.clip(gap, -LIMIT, LIMIT)


def token_k2(gap: PerToken) -> PerToken:
    """gap^2 / 2."""
    return jnp.clip(gap, -LIMIT, LIMIT) ** 2 / 2


def token_k3(gap: PerToken) -> PerToken:
    """exp(gap) - 1 - gap."""
    return edges.excess(jnp.clip(gap, -LIMIT, LIMIT))


def row_sum(stat: PerToken, mask: Bool[Array, "N T"]) -> PerToken:
    """The row's sum over True tokens, on every token."""
    return jnp.broadcast_to(masked.total(stat, mask)[:, None], mask.shape)


def row_mean(stat: PerToken, mask: Bool[Array, "N T"]) -> PerToken:
    """The row's mean over True tokens, on every token."""
    return jnp.broadcast_to(masked.row_mean(stat, mask)[:, None], mask.shape)


def row_max(stat: PerToken, mask: Bool[Array, "N T"]) -> PerToken:
    """The row's greatest of the True tokens, on every token; 0 in an empty row."""
    most = jnp.max(stat, axis=1, where=mask, initial=-jnp.inf)[:, None]
    return jnp.broadcast_to(jnp.where(jnp.isfinite(most), most, 0), mask.shape)


def within_ratio(
    k1: PerToken, most: float, least: float | None = None
) -> Bool[Array, "N T"]:
    """log least <= k1 <= log most, where least is 1 / most unless said."""
    low = -math.log(most) if least is None else math.log(least)
    return (k1 >= low) & (k1 <= math.log(most))


def at_most(stat: PerToken, most: float) -> Bool[Array, "N T"]:
    """stat <= most."""
    return stat <= most


def binary_kl(logp: PerToken, other: PerToken, eps: float = 1e-8) -> PerToken:
    """KL(Bernoulli(p) || Bernoulli(q)) of the sampled token against all others, nats.

    p and q are exp of the two log-probs; they and what is left to 1 are at least eps.
    """
    p, q = (jnp.clip(jnp.exp(x), eps, 1 - eps) for x in (logp, other))
    rest, left = (jnp.maximum(-jnp.expm1(x), eps) for x in (logp, other))
    return p * jnp.log(p / q) + rest * jnp.log(rest / left)
