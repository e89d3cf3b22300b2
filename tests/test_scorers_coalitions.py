"""Shares of a game: their laws, and the parts of rows that play it."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_scorers_words import SETTING, context_of

from rewardlab.reward_models.coalitions import members, owen
from rewardlab.scorers.coalition_model import (
    coalition_model,
    in_blocks,
    parts_of,
    with_only,
)
from rewardlab.scorers.prefix_model import prefix_model
from rewardlab.testing import from_arrays

GAMES = np.random.default_rng(0).normal(size=(3, 16))


def by_orders(worth, blocks):
    """The mean marginal over all orders in which blocks stay together."""
    players = sum(map(len, blocks))
    total, count = np.zeros(players), 0
    for outer in itertools.permutations(blocks):
        for inner in itertools.product(*map(itertools.permutations, outer)):
            there, count = 0, count + 1
            for i in itertools.chain(*inner):
                total[i] += worth[there | 1 << i] - worth[there]
                there |= 1 << i
    return total / count


@pytest.mark.parametrize(
    "blocks", [[[0, 1, 2, 3]], [[0, 1], [2, 3]], [[2], [0, 3], [1]], [[0], [1, 2, 3]]]
)
def test_owen_is_the_mean_over_orders(blocks, x64):
    got = np.asarray(owen(jnp.asarray(GAMES), blocks))
    want = [by_orders(game, blocks) for game in GAMES]
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(got.sum(1), GAMES[:, -1] - GAMES[:, 0])  # efficiency


def test_shares_of_simple_games(x64):
    """An additive game gives each its own worth; a dummy 0; equals share; one block
    and blocks of one are the Shapley value."""
    own = np.array([0.5, -1.0, 0.0, 2.0])
    additive = jnp.asarray(members(4) @ own)
    one, single = in_blocks(4, 1), in_blocks(4, 4)
    assert one == [[0, 1, 2, 3]] and single == [[0], [1], [2], [3]]
    for blocks in (one, single, in_blocks(4, 2)):
        np.testing.assert_allclose(owen(additive, blocks), own, atol=1e-12)
    for game in GAMES:
        pair = [owen(jnp.asarray(game), b) for b in (one, single)]
        np.testing.assert_allclose(*pair, atol=1e-12)
    both = jnp.asarray([0.0, 0, 0, 1.0])  # AND: neither has anything alone
    np.testing.assert_allclose(owen(both, [[0, 1]]), [0.5, 0.5])
    xor = jnp.asarray([0.0, 1, 1, 0])
    np.testing.assert_allclose(owen(xor, [[0, 1]]), [0, 0], atol=1e-12)


def rows(steps=3):
    mask = np.array([[1, 1, 1, 1, 1, 0], [1, 0, 1, 1, 0, 0], [0] * 6, [1] + [0] * 5])
    step = np.array([[0, 0, 1, 2, 2, 0], [0, 0, 0, 1, 0, 0], [0] * 6, [0] * 6])
    rng = np.random.default_rng(1)
    valid = mask | np.array([[0] * 6, [0, 1, 0, 0, 0, 0], [0] * 6, [0] * 6])
    return from_arrays(
        mask > 0,
        group=np.zeros(4, int),
        step=np.where(valid > 0, step, -1),
        valid=valid > 0,
        logp=-rng.exponential(size=mask.shape),
        prm=np.zeros((4, steps)),
    )


def test_parts_gather_steps_and_leave_no_gaps():
    rollout = rows()
    part = np.asarray(parts_of(rollout, 2))
    assert part[0, :5].tolist() == [0, 0, 0, 1, 1]
    assert part[1, :4].tolist() == [0, 0, 0, 1]
    kept = np.asarray(rollout.valid) & (part == 1)
    cut = with_only(jnp.asarray(kept), rollout)
    assert np.asarray(cut.valid).sum(1).tolist() == [2, 1, 0, 0]
    assert np.asarray(cut.valid)[0].tolist() == [True, True] + [False] * 4
    assert np.asarray(parts_of(rollout, 4))[0, :5].tolist() == [0, 0, 1, 2, 2]


def scored(maker, rollout):
    """What a model with a head that says something makes of rows."""
    scorer = maker(SETTING)
    context = context_of()
    state = scorer.init(context, rollout)
    keys = iter(jax.random.split(jax.random.key(5), 9))
    state = jax.tree.map(
        lambda x: x + 0.3 * jax.random.normal(next(keys), x.shape), state
    )
    score = jax.jit(lambda r: scorer.score(state, context, r, None))
    return scorer, {k: np.asarray(x) for k, x in score(rollout).items()}


@pytest.mark.parametrize("blocks", [1, 2])
def test_parts_add_up_to_the_score_of_the_row(blocks):
    """phi stands on the last step of each part; efficiency, and a dummy gets 0."""
    rollout = rows()
    _, got = scored(coalition_model(2, blocks), rollout)
    empty = with_only(jnp.zeros(rollout.mask.shape, bool), rollout)
    _, none = scored(coalition_model(2, blocks), empty)
    np.testing.assert_allclose(
        got["shapley"].sum(1), got["score"] - none["score"], atol=1e-5
    )
    assert not got["shapley"][0, 0] and got["shapley"][0, 1:].all()
    assert not got["shapley"][2].any() and not got["shapley"][3, 1:].any()


def test_the_score_of_the_last_prefix_is_the_row_s():
    """And each prefix has the score of a row that ends there."""
    rollout = rows()
    _, got = scored(prefix_model(), rollout)
    for t in range(5):
        short = with_only(rollout.valid & (np.arange(6) <= t), rollout)
        _, own = scored(prefix_model(), short)
        np.testing.assert_allclose(
            got["prefix_score"][0, t], own["score"][0], atol=1e-5
        )
    np.testing.assert_allclose(got["prefix_score"][0, 4], got["score"][0], atol=1e-5)
    assert np.isfinite(got["prompt_score"]).all()
    assert len(set(got["prompt_score"].tolist())) == 1  # one prompt
