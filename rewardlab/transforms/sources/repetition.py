"""A penalty for repetition, on the tokens that repeat."""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Int

from rewardlab.core.compose import add_channel, named, stateless
from rewardlab.core.types import (
    Channels,
    Coefficient,
    RewardTransform,
    Rollout,
    Static,
    coefficient,
    place,
)


@named
def repetition(
    size: Static[int] = 40, penalty: Coefficient = -0.05, only_start: bool = False
) -> RewardTransform:
    """Adds channel `repetition`: `penalty` on tokens of an n-gram that came before.

    Tokens (a, b, a, b) with size = 2 -> (0, 0, penalty, penalty).

    n-grams are `size` neighbours of a row's valid tokens. With `only_start`, a repeated
    n-gram counts only if it begins after the end of the repeated one before it: the
    beginnings of long repetitions. (arXiv 2502.03373)
    """

    def source(rewards: Channels, rollout: Rollout) -> Channels:
        again = jax.vmap(lambda t, v: repeated(t, v, size))(
            rollout.tokens, rollout.valid
        )
        if only_start:
            place_ = jnp.arange(again.shape[1])[None]
            seen = lax.cummax(jnp.where(again, place_, -1 - size), axis=1)
            before = jnp.pad(seen, ((0, 0), (1, 0)), constant_values=-1 - size)[:, :-1]
            again &= place_ > before + size
        starts = jnp.cumsum(again, axis=1)
        ended = jnp.pad(starts, ((0, 0), (size, 0)))[:, : starts.shape[1]]
        cost = jnp.where(starts > ended, coefficient(penalty, rollout), 0.0)
        return add_channel(rewards, "repetition", place(cost, rollout.mask))

    return stateless(source)


def repeated(
    tokens: Int[Array, " T"], valid: Bool[Array, " T"], size: int
) -> Bool[Array, " T"]:
    """Whether the n-gram that begins at each token began earlier in the row too.

    Ranks of runs of 1, 2, 4, ... tokens are merged in pairs, in log2(size) sorts, so
    equality is exact and the cost is T log T. Valid tokens come first in a row.
    """
    width = len(tokens)
    rank, length = jnp.where(valid, tokens, -1), 1
    while length < size:
        step = min(length, size - length)  # the last two runs may overlap
        later = jnp.pad(rank, (0, step), constant_values=-1)[step:]
        rank, length = _merged(rank, later)[0], length + step
    fits = jnp.arange(width) + size <= jnp.sum(valid)
    order_rank, order = _merged(jnp.where(fits, rank, -1), jnp.zeros_like(rank))
    first = jax.ops.segment_min(jnp.arange(width), order_rank, width)[order_rank]
    return fits & (first < jnp.arange(width))


def _merged(
    a: Int[Array, " T"], b: Int[Array, " T"]
) -> tuple[Int[Array, " T"], Int[Array, " T"]]:
    """Each pair (a, b) as one number, equal for equal pairs, and their order."""
    order = jnp.lexsort((b, a))
    x, y = a[order], b[order]
    new = (x[1:] != x[:-1]) | (y[1:] != y[:-1])
    rank = jnp.concatenate([jnp.zeros(1, jnp.int32), jnp.cumsum(new)])
    return jnp.zeros_like(a).at[order].set(rank.astype(a.dtype)), order
