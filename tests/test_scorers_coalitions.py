"""The parts of rows that play a game, and how often a row is read for it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_scorers_words import SETTING, context_of

from rewardlab.reward_models.coalitions import owen, players_of
from rewardlab.scorers.coalition_model import (
    coalition_model,
    drawn,
    in_blocks,
    parts_of,
    passes,
    with_only,
)
from rewardlab.scorers.prefix_model import prefix_model
from rewardlab.testing import from_arrays


def test_how_often_a_row_is_read():
    assert passes(4, 1, 0) == 16 and passes(8, 2, 0) == 44 and passes(16, 2, 0) == 172
    assert passes(16, 1, 8) == 122 and passes(16, 4, 8) == 122
    for parts, blocks in ((5, 2), (7, 3), (1, 1), (8, 8)):
        nesting = in_blocks(parts, blocks)
        assert players_of(nesting) == list(range(parts))
        assert len(owen(nesting).coalitions) == passes(parts, blocks, 0)
    key = jax.random.key(0)
    assert len(drawn(key, 6, in_blocks(5, 2)).coalitions) == passes(5, 2, 6)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"parts": 20}, "parts=20 are read 1048576 times with blocks=1"),
        ({"orders": 3}, "orders=3 come with their reverses"),
        ({"parts": 0}, "parts=0, blocks=1; use 1 or more of each"),
    ],
)
def test_what_cannot_be_read_says_so(said, message):
    with pytest.raises(ValueError, match=message):
        coalition_model(**said)


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


def test_two_parts_have_the_same_worth_in_any_orders():
    """A pair of orders of two is all there are; parts that a row lacks are dummies."""
    (_, every), (_, some) = (
        scored(coalition_model(2, orders=orders), rows()) for orders in (0, 2)
    )
    np.testing.assert_allclose(some["shapley"], every["shapley"], atol=1e-5)
    np.testing.assert_allclose(some["score"], every["score"], atol=1e-5)
    _, more = scored(coalition_model(6, orders=4), rows())
    np.testing.assert_allclose(
        more["shapley"].sum(1), every["shapley"].sum(1), atol=1e-5
    )
    assert more["shapley"][0].all() and not more["shapley"][2].any()


@pytest.mark.parametrize(("blocks", "orders"), [(1, 0), (2, 0), (1, 4)])
def test_parts_add_up_to_the_score_of_the_row(blocks, orders):
    """phi stands on the last step of each part; efficiency, and a dummy gets 0."""
    rollout, made = rows(), coalition_model(2, blocks, orders)
    _, got = scored(made, rollout)
    empty = with_only(jnp.zeros(rollout.mask.shape, bool), rollout)
    _, none = scored(made, empty)
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
