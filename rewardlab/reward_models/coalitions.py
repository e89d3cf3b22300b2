"""Shares of a game's worth: Shapley values and Owen values of its players."""

import itertools
import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

Blocks = list[list[int]]


def members(players: int) -> np.ndarray:
    """Which players each coalition has, [2^n, n]: bit i of its number is player i."""
    return (np.arange(2**players)[:, None] >> np.arange(players)) % 2 == 1


def owen(worth: Float[Array, "*N C"], blocks: Blocks) -> Float[Array, "*N n"]:
    """phi_i = mean of v(S + i) - v(S) over the orders in which players can join, where
    those of a block join one after another.

    `worth` is v of each of the C = 2^n coalitions, the players of a coalition the bits
    of its number; `blocks` has each player once. One block, or blocks of one, are the
    Shapley value. Shares add up to v(all) - v(none).

    v = (0, 1, 1, 4) of two players in one block -> 2, 2
    """
    weights = owen_weights(blocks)
    return jnp.einsum("ic,...c->...i", jnp.asarray(weights, worth.dtype), worth)


def owen_weights(blocks: Blocks) -> np.ndarray:
    """What v of each coalition counts in each player's share, [n, 2^n].

    A set of whole blocks Q of the other m - 1 has the chance q! (m - 1 - q)! / m!, and
    a set T of the other b - 1 of the player's block t! (b - 1 - t)! / b!.
    """
    players = sum(map(len, blocks))
    found = np.zeros((players, 2**players))
    for k, block in enumerate(blocks):
        others = [b for j, b in enumerate(blocks) if j != k]
        for i in block:
            mates = [j for j in block if j != i]
            for outer, inner in itertools.product(_subsets(others), _subsets(mates)):
                chance = _chance(len(outer), len(blocks)) * _chance(
                    len(inner), len(block)
                )
                before = sum(1 << j for j in [*itertools.chain(*outer), *inner])
                found[i, before | 1 << i] += chance
                found[i, before] -= chance
    return found


def _chance(before: int, of: int) -> float:
    """That exactly these `before` of the other `of` - 1 stand before one, in an order
    drawn at random."""
    return math.factorial(before) * math.factorial(of - 1 - before) / math.factorial(of)


def _subsets(items: list) -> list:
    """All subsets, as tuples."""
    sizes = range(len(items) + 1)
    return [s for size in sizes for s in itertools.combinations(items, size)]
