"""Shares of a game, exact and over drawn orders, and their laws."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rewardlab.reward_models.coalitions import (
    asked,
    draw_orders,
    over_orders,
    owen,
)
from rewardlab.scorers.coalition_model import in_blocks

GAMES = np.random.default_rng(0).normal(size=(3, 16))


HALVES = [[[0, 1], [2]], [3]]
NESTINGS = [[0, 1, 2, 3], [[0, 1], [2, 3]], [2, [0, 3], [1]], [0, [1, 2, 3]], HALVES]


def orders_of(nesting):
    """All orders in which players can join, blocks together."""
    if isinstance(nesting, int):
        return [(nesting,)]
    return [
        tuple(itertools.chain(*parts))
        for outer in itertools.permutations(nesting)
        for parts in itertools.product(*map(orders_of, outer))
    ]


def by_orders(worth, orders):
    """The mean marginal over these orders."""
    total = np.zeros(len(orders[0]))
    for order in orders:
        there = 0
        for i in order:
            total[i] += worth[there | 1 << i] - worth[there]
            there |= 1 << i
    return total / len(orders)


def paid(shares, worth):
    """The shares of games whose coalitions have the bits of their players."""
    there = np.asarray(shares.coalitions)
    assert not there[0].any() and there[-1].all()
    number = there @ (1 << np.arange(there.shape[1]))
    return np.asarray(shares.of(jnp.asarray(worth)[..., number]))


@pytest.mark.parametrize("nesting", NESTINGS)
def test_owen_is_the_mean_over_orders(nesting, x64):
    game = owen(nesting)
    got, orders = paid(game, GAMES), orders_of(nesting)
    want = [by_orders(game, orders) for game in GAMES]
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(got.sum(1), GAMES[:, -1] - GAMES[:, 0])  # efficiency
    every = over_orders(jnp.asarray(orders))  # with all of them nothing is left to draw
    np.testing.assert_allclose(paid(every, GAMES), want, rtol=1e-12, atol=1e-12)
    assert len(game.coalitions) == asked(nesting)


def test_shares_of_simple_games(x64):
    """An additive game gives each its own worth; a dummy 0; equals share; one block
    and blocks of one are the Shapley value."""
    own = np.array([0.5, -1.0, 0.0, 2.0])
    additive = (np.arange(16)[:, None] >> np.arange(4) & 1) @ own
    assert in_blocks(4, 1) == in_blocks(4, 4) == [0, 1, 2, 3]
    assert in_blocks(8, 2) == [[[0, 1], [2, 3]], [[4, 5], [6, 7]]]
    for nesting in NESTINGS:
        np.testing.assert_allclose(paid(owen(nesting), additive), own, atol=1e-12)
    pair = [paid(owen(x), GAMES) for x in ([0, 1, 2, 3], [[0], [1], [2], [3]])]
    np.testing.assert_allclose(*pair, atol=1e-12)
    np.testing.assert_allclose(pair[0], paid(owen([[0, 1, 2, 3]]), GAMES), atol=1e-12)
    both = jnp.asarray([0.0, 0, 0, 1.0])  # AND: neither has anything alone
    np.testing.assert_allclose(paid(owen([0, 1]), both), [0.5, 0.5])
    xor = jnp.asarray([0.0, 1, 1, 0])
    np.testing.assert_allclose(paid(owen([0, 1]), xor), [0, 0], atol=1e-12)
    assert owen(0).weights.tolist() == [[-1, 1]]


@pytest.mark.parametrize("nesting", NESTINGS)
def test_drawn_orders_keep_blocks_together(nesting):
    """Each is one of those that can be, and all come; each second is a reverse."""
    draw = jax.jit(lambda key: draw_orders(key, 150, nesting))
    got = np.asarray(draw(jax.random.key(1)))
    np.testing.assert_array_equal(got[1::2], got[::2, ::-1])
    every = set(orders_of(nesting))
    count = [(got == order).all(1).sum() for order in every]
    assert sum(count) == len(got)
    expected = len(got) / len(every)
    assert sum((x - expected) ** 2 / expected for x in count) < 4 * len(every)


def test_drawn_shares_and_their_laws(x64):
    """Each order alone adds up; a dummy gets 0; an additive game and one of pairs are
    exact; an oracle of the same orders."""
    orders = draw_orders(jax.random.key(2), 3, [0, 1, 2, 3])
    got = paid(over_orders(orders), GAMES)
    want = [by_orders(game, np.asarray(orders).tolist()) for game in GAMES]
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)
    for one in orders:
        alone = paid(over_orders(one[None]), GAMES)
        np.testing.assert_allclose(alone.sum(1), GAMES[:, -1] - GAMES[:, 0])
    there = np.arange(16)[:, None] >> np.arange(4) & 1
    dummy = paid(over_orders(orders), GAMES[0][np.arange(16) & 0b1101])
    np.testing.assert_allclose(dummy[1], 0, atol=1e-12)
    rng = np.random.default_rng(4)
    pairs = there @ rng.normal(size=4)
    pairs += np.einsum("ci,ij,cj->c", there, np.triu(rng.normal(size=(4, 4)), 1), there)
    for nesting in NESTINGS:
        few = over_orders(draw_orders(jax.random.key(3), 1, nesting))
        np.testing.assert_allclose(paid(few, pairs), paid(owen(nesting), pairs))
    own = over_orders(draw_orders(jax.random.key(0), 2, [0]))
    np.testing.assert_allclose(own.of(jnp.asarray([1.0, 4.0])), [3.0])


@pytest.mark.parametrize("nesting", [NESTINGS[0], HALVES])
def test_drawn_shares_come_to_the_exact_ones(nesting, x64):
    """Without bias, equals alike in expectation, and four times the orders halve the
    error."""
    exact, keys = paid(owen(nesting), GAMES), jax.random.split(jax.random.key(5), 400)
    worth = jnp.asarray(GAMES)

    def error(pairs):
        def drawn(key):
            game = over_orders(draw_orders(key, pairs, nesting))
            return game.of(worth[:, game.coalitions @ (1 << jnp.arange(4))])

        return np.asarray(jax.jit(jax.vmap(drawn))(keys)) - exact

    few, many = error(2), error(8)
    for got in (few, many):
        spread = got.std(0) / len(keys) ** 0.5
        assert (np.abs(got.mean(0)) < 4 * spread + 1e-12).all()
    ratio = np.sqrt((few**2).mean() / (many**2).mean())
    assert 1.8 < ratio < 2.2
