"""The effective rank of hidden states and its changes, against loops in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rewardlab.reward_models.effective_rank import (
    Moving,
    distance,
    effective_rank,
    rank_bonus,
    rank_change,
    rank_gate,
    rank_indicators,
)

pytestmark = pytest.mark.usefixtures("x64")


def loop_rank(hidden):
    if len(hidden) < 2:
        return 0.0
    values = np.linalg.svd(hidden - hidden.mean(axis=0), compute_uv=False)
    p = values / (values.sum() + 1e-8)
    return np.exp(-sum(x * np.log(x + 1e-8) for x in p))


def hidden_states(seed, tokens, width=5):
    return np.random.default_rng(seed).normal(size=(tokens, width))


@pytest.mark.parametrize("tokens", [0, 1, 2, 3, 9])
def test_effective_rank(tokens):
    """The entropy of the singular values; a mask is the same as fewer rows."""
    hidden = hidden_states(0, tokens)
    want = loop_rank(hidden)
    np.testing.assert_allclose(jax.jit(effective_rank)(hidden), want, rtol=1e-9)
    if tokens:
        more = np.concatenate([np.full((2, 5), np.nan), hidden])
        rows = np.arange(len(more)) >= 2
        np.testing.assert_allclose(jax.jit(effective_rank)(more, rows), want, rtol=1e-6)


def test_effective_rank_does_not_see_scale_or_rotation():
    """And lies between 1 and the number of directions; one direction is 1."""
    hidden = hidden_states(1, 9)
    turn = np.linalg.qr(hidden_states(2, 5))[0]
    rank = float(jax.jit(effective_rank)(hidden))
    np.testing.assert_allclose(effective_rank(7 * hidden @ turn), rank, rtol=1e-6)
    assert 1 <= rank <= 5
    line = np.arange(9.0)[:, None] * np.ones(5)
    np.testing.assert_allclose(effective_rank(line), 1, atol=1e-6)


@pytest.mark.parametrize(
    ("tokens", "stride"), [(2, 3), (4, 3), (7, 3), (20, 3), (9, 1)]
)
def test_rank_change(tokens, stride):
    """m_j - mean of those before, at tokens k, 2k, ... of the last 16."""
    hidden = hidden_states(3, tokens)
    last = hidden[-16:]
    ranks = [loop_rank(last[: t + 1]) for t in range(stride, len(last), stride)]
    velocity = [m - np.mean(ranks[:j]) for j, m in enumerate(ranks) if j]
    acceleration = [b - a for a, b in zip(velocity, velocity[1:], strict=False)]
    got = jax.jit(lambda h: rank_change(h, stride, 16))(hidden)
    np.testing.assert_allclose(got.velocity, velocity, rtol=1e-6)
    np.testing.assert_allclose(got.acceleration, acceleration, rtol=1e-6)
    means = [np.mean(x) if x else 0 for x in (acceleration, velocity)]
    want = [*means, loop_rank(last)]
    got = jax.jit(lambda h: rank_indicators(h, stride, 16))(hidden)
    np.testing.assert_allclose(got, want, rtol=1e-6)


@pytest.mark.parametrize("by_score", [True, False])
def test_rank_bonus(by_score):
    """Each answer against the running means; from zeros every deviation is +-5."""
    x = np.array([[0.02, 0.5, 12.0], [-0.01, 0.2, 8.0], [0.0, 0.0, 0.0]])
    for means, score in (([0.01, 0.4, 10.0], 0.5), ([0.0, 0.0, 0.0], 0.0)):
        moving = Moving(jnp.asarray(means), jnp.asarray(score))
        want, gates = [], []
        for row in x:
            away = [
                np.clip((a - m) / (abs(m) + 1e-8), -5, 5)
                for a, m in zip(row, means, strict=True)
            ]
            beta = 1 / (1 + np.exp(-2 * away[0]))
            scale = 1 - (score + 1) / 2 if by_score else 1
            mixed = beta * np.tanh(away[2]) + (1 - beta) * np.tanh(away[1])
            want.append(scale * mixed)
            gates.append(beta)
        got = rank_bonus(jnp.asarray(x), moving, by_score=by_score)
        np.testing.assert_allclose(got, want, rtol=1e-12)
        np.testing.assert_allclose(rank_gate(jnp.asarray(x), moving), gates, rtol=1e-12)


def test_some_tokens_count():
    """Those that do not, wherever they stand, are as if they were not there."""
    hidden = hidden_states(4, 19)
    rows = np.random.default_rng(0).random(19) < 0.6
    poisoned = np.where(rows[:, None], hidden, np.nan)
    measure = jax.jit(lambda h, rows: rank_indicators(h, 2, 8, rows))
    want = rank_indicators(jnp.asarray(hidden[rows]), 2, 8)
    np.testing.assert_allclose(measure(poisoned, rows), want, rtol=1e-6)
    np.testing.assert_array_equal(measure(poisoned, rows & False), np.zeros(3))


def test_a_gradient_step_moves_the_running_means():
    """0.7 of the old and 0.3 of the mean of the rows that count."""
    old = Moving(jnp.asarray([1.0, 2, 3]), jnp.asarray(0.5))
    found = jnp.asarray([[3.0, -1, 3], [1.0, 1, 3], [99.0, 99, 99]])
    score, rows = jnp.asarray([-1.0, -1, 99]), jnp.array([True, True, False])
    slope = jax.grad(lambda now: distance(now, found, score, rows).mean())(old)
    new = jax.tree.map(lambda now, g: now - 0.3 * g, old, slope)
    np.testing.assert_allclose(new.indicators, [1.3, 1.4, 3.0], rtol=1e-12)
    np.testing.assert_allclose(new.score, 0.05, rtol=1e-12)
