"""Ranks and order statistics."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core import masked
from rewardlab.core.types import Rollout


def kth_smallest(x: Float[Array, "N M"], k: Int[Array, "N 1"]) -> Float[Array, "N 1"]:
    """The k-th smallest entry of each row (0-based); NaN is the largest.

    Its bits are found one by one, from the first: each takes a pass that only counts,
    and 32 such passes take a fraction of the time of a sort.
    """
    bits = 8 * x.dtype.itemsize
    kind = {32: jnp.uint32, 64: jnp.uint64}[bits]
    sign = jnp.asarray(1, kind) << (bits - 1)
    pattern = lax.bitcast_convert_type(x, kind)
    key = jnp.where(pattern >= sign, ~pattern, pattern | sign)  # in the order of x

    def with_bit(i: Int[Array, ""], found: Array) -> Array:
        tried = found | (sign >> i.astype(kind))
        below = masked.count(key < tried)[:, None]
        return jnp.where(below <= k, tried, found)

    found = lax.fori_loop(0, bits, with_bit, jnp.zeros(k.shape, kind))
    pattern = jnp.where(found >= sign, found ^ sign, ~found)
    return lax.bitcast_convert_type(pattern, x.dtype)


def rank_of_few(x: Float[Array, "*N R"]) -> Int[Array, "*N R"]:
    """Each entry's position if its row were sorted; ties keep their order.

    For rows of about ten entries; counting takes a seventh of the time of sorting.
    """
    one, other = x[..., :, None], x[..., None, :]
    first = jnp.tri(x.shape[-1], k=-1, dtype=bool)
    first = jnp.expand_dims(first, range(x.ndim - 1))
    return jnp.sum((other < one) | ((other == one) & first), axis=-1)


def quantile_of_few(
    x: Float[Array, "N R"], q: float | Float[Array, ""]
) -> Float[Array, " N"]:
    """The q-quantile of each row, with linear interpolation, for rows of about ten
    entries; NaN where an entry is NaN.
    """
    rank, last = rank_of_few(x), x.shape[1] - 1
    low = jnp.floor(q * last)
    share = q * last - low
    at = lambda k: jnp.sum(jnp.where(rank == k, x, 0), axis=1)  # noqa: E731
    found = (1 - share) * at(low) + share * at(jnp.minimum(low + 1, last))
    return jnp.where(jnp.any(jnp.isnan(x), axis=1), jnp.nan, found)


def k_largest(x: Float[Array, "N M"], k: int | Float[Array, ""]) -> Bool[Array, "N M"]:
    """True on the k largest entries of each row; of equal entries the first are taken.

    NaN is never taken; a row of k entries or fewer is True everywhere else.
    """
    least_place = jnp.maximum(jnp.minimum(k, x.shape[1]) - 1, 0).astype(jnp.int32)
    place = jnp.full((x.shape[0], 1), least_place)
    kth = -kth_smallest(jnp.where(jnp.isnan(x), jnp.inf, -x), place)
    above, equal = x > kth, x == kth
    rest = k - masked.count(above)[:, None]
    return above | (equal & (jnp.cumsum(equal, axis=1) <= rest))


def mean_of_largest(
    x: Float[Array, "N M"], mask: Bool[Array, "N M"], k: Int[Array, "N 1"]
) -> Float[Array, " N"]:
    """The mean of the k largest True entries of each row, 1 <= k; 0 if none is True.

    Entries above the k-th largest are added up; the rest of the k equal it.
    """
    kth = -kth_smallest(jnp.where(mask, -x, jnp.inf), k - 1)
    above = mask & (x > kth)
    rest = k[:, 0] - masked.count(above)
    total = masked.total(x, above) + rest * kth[:, 0]
    return jnp.where(jnp.any(mask, axis=1), total / k[:, 0], 0)


def group_rank(
    x: Float[Array, " N"], rows: Bool[Array, " N"], rollout: Rollout
) -> Float[Array, " N"]:
    """How many True rows of the group are below each row; ties count one half."""
    x = jnp.where(rows, x, jnp.inf)
    one, other = x[None], x[:, None]  # all pairs: fast for some thousand rows
    here = (rollout.group[None] == rollout.group[:, None]) & rows[:, None]
    below = jnp.where(other < one, 1.0, jnp.where(other == one, 0.5, 0.0))
    return jnp.sum(jnp.where(here, below, 0), axis=0) - 0.5 * rows
