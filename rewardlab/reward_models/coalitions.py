"""Shares of a game's worth: Shapley and Owen values of its players, exact or sampled.

A nesting says who joins together. Players of a list join one after another, in an order
that is drawn at random; a list within it joins as one, its own players one after
another: `[0, 1, 2]` is the Shapley value of three, `[[0, 1], [2]]` an Owen value.
"""

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

Nesting: TypeAlias = int | list["Nesting"]


class Shares(NamedTuple):
    """The coalitions that are asked, and what each counts in each player's share."""

    coalitions: Bool[Array, "C n"] | np.ndarray  # the first is of none, the last of all
    weights: Float[Array, "n C"] | np.ndarray

    def of(self, worth: Float[Array, "*N C"]) -> Float[Array, "*N n"]:
        """phi_i, of the worth v of each coalition. They add up to v(all) - v(none)."""
        weights = jnp.asarray(self.weights, worth.dtype)
        return jnp.einsum("ic,...c->...i", weights, worth)


def owen(nesting: Nesting) -> Shares:
    """phi_i = mean of v(S + i) - v(S) over the orders in which players can join.

    It asks 2^n coalitions of a flat list of n, and (2 n^2 + 4) / 3 of halves of halves.

    v = (0, 1, 1, 4) of none, 0, 1, both and the nesting [0, 1] -> 2, 2
    """
    players = len(players_of(nesting))
    found: dict[int, np.ndarray] = defaultdict(lambda: np.zeros(players))
    for i, before, chance in _joining(nesting, 0, 1.0):
        found[before | 1 << i][i] += chance
        found[before][i] -= chance
    asked = sorted(found)  # the bits of a number are the players of its coalition
    there = [[bool(number >> i & 1) for i in range(players)] for number in asked]
    return Shares(np.array(there), np.stack([found[x] for x in asked], axis=1))


def asked(nesting: Nesting) -> int:
    """How many coalitions `owen` asks, without listing them."""
    if isinstance(nesting, int):
        return 2
    partly = sum(asked(child) - 2 for child in nesting)
    return int(2 ** len(nesting) + 2 ** (len(nesting) - 1) * partly)


def over_orders(orders: Int[Array, "m n"]) -> Shares:
    """phi_i = mean over the m orders of v(those before i, and i) - v(those before i).

    Each order alone adds up to v(all) - v(none), and of orders drawn by `draw_orders`
    the mean is that of `owen`. It asks m (n - 1) + 2 coalitions.

    orders [[0, 1]], v = (0, 1, 1, 4) of none, 0, 1, both -> 1, 3
    """
    count, players = orders.shape
    rank = jnp.argsort(orders, axis=1)[:, None]  # [m, 1, n]
    size = jnp.arange(players + 1)[:, None]
    first = rank < size  # the first 0 to n players of each order, [m, n + 1, n]
    gain = ((rank + 1 == size) * 1.0 - (rank == size)) / count
    ends = jnp.sum(gain[:, 0], axis=0), jnp.sum(gain[:, -1], axis=0)
    inner = lambda x: x[:, 1:-1].reshape(-1, players)  # noqa: E731
    weights = jnp.concatenate([ends[0][None], inner(gain), ends[1][None]])
    return Shares(
        jnp.concatenate([first[:1, 0], inner(first), first[:1, -1]]), weights.T
    )


def draw_orders(key: Array, pairs: int, nesting: Nesting) -> Int[Array, "m n"]:
    """2 `pairs` orders in which players can join, each second the first's reverse.

    One who joins early in an order joins late in its reverse, so that what depends on
    how many were there before cancels (antithetic sampling, Mitchell et al.,
    arXiv 2104.12199): where players add something alone and in pairs only, it is exact.
    """
    levels = _levels(nesting)
    shape = (pairs, *levels.shape)
    draw = jnp.argsort(jax.random.uniform(key, shape), axis=-1)  # no two are equal
    place = jnp.take_along_axis(draw, jnp.broadcast_to(levels, shape), axis=-1)
    orders = jnp.lexsort([place[:, k] for k in reversed(range(len(levels)))])
    return jnp.stack([orders, orders[:, ::-1]], axis=1).reshape(-1, levels.shape[1])


def players_of(nesting: Nesting) -> list[int]:
    """The players of a nesting, from left to right."""
    if isinstance(nesting, int):
        return [nesting]
    return [i for child in nesting for i in players_of(child)]


def _joining(
    nesting: Nesting, before: int, chance: float
) -> Iterator[tuple[int, int, float]]:
    """Each player, others that can be there before it, and how likely these are."""
    if isinstance(nesting, int):
        yield nesting, before, chance
        return
    for k, child in enumerate(nesting):
        others = [
            sum(1 << i for i in players_of(other))
            for j, other in enumerate(nesting)
            if j != k
        ]
        for size in range(len(nesting)):
            one = chance * _chance(size, len(nesting))
            for there in itertools.combinations(others, size):
                yield from _joining(child, before | sum(there), one)


def _chance(before: int, of: int) -> float:
    """That exactly these `before` of the other `of` - 1 stand before one, in an order
    drawn at random."""
    return math.factorial(before) * math.factorial(of - 1 - before) / math.factorial(of)


def _levels(nesting: Nesting) -> np.ndarray:
    """The first player of each player's list, outermost first, [levels, n].

    A player that is in no list at a level stands for itself.
    """
    found, lists = [], [nesting]
    while any(isinstance(x, list) for x in lists):
        lists = [c for x in lists for c in (x if isinstance(x, list) else [x])]
        first = {i: players_of(x)[0] for x in lists for i in players_of(x)}
        found.append([first[i] for i in range(len(first))])
    return np.array(found or [[0]])
