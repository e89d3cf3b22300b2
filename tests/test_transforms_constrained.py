"""Lagrange multipliers that follow rewards to their goals, against a loop."""

import math

import numpy as np
import pytest

from rewardlab import build
from rewardlab.testing import from_arrays
from rewardlab.transforms.combinators.multipliers import clip_by_norm

pytestmark = pytest.mark.usefixtures("x64", "strict_ranks")
SOURCES = "outcome('kl') | outcome('a') | outcome('b') | "


def bend(v, equality, squashed):
    if not squashed:
        return v, 1.0
    if equality:
        return math.tanh(v), 1 - math.tanh(v) ** 2
    s = 1 / (1 + math.exp(-v))
    return s, s * (1 - s)


def loop(batches, equality, squashed, start, max_norm):
    """Weights, sums and multipliers of each batch; SGD written out."""
    values, speed, found = [start, start], [0.0, 0.0], []
    for kl, a, b in batches:
        weights = [bend(v, equality, squashed)[0] for v in values]
        rest = 2 - sum(weights) if squashed else 1
        centred = [x - np.mean(x) for x in (kl, a, b)]
        mixed = rest * centred[0] + weights[0] * centred[1] + weights[1] * centred[2]
        slopes = [
            bend(v, equality, squashed)[1] * (np.mean(r) - goal)
            for v, r, goal in zip(values, (a, b), (0.5, -0.25), strict=True)
        ]
        norm = math.sqrt(sum(g * g for g in slopes))
        slopes = [g * min(1, max_norm / (norm + 1e-6)) for g in slopes]
        speed = [0.1 * m + g for m, g in zip(speed, slopes, strict=True)]
        values = [v - 0.2 * m for v, m in zip(values, speed, strict=True)]
        if not squashed and not equality:
            values = [max(v, 0) for v in values]
        found.append((mixed, list(values)))
    return found


@pytest.mark.parametrize("max_norm", (0.5, 0.01))
@pytest.mark.parametrize("squashed", (True, False))
@pytest.mark.parametrize("equality", (True, False))
def test_constrained_sum(equality, squashed, max_norm):
    """Six batches in a row: what is mixed, and where the multipliers go."""
    rng = np.random.default_rng(0)
    batches = rng.normal(size=(6, 3, 8))
    text = (
        f"constrained_sum('kl', center_by_batch(), equality={equality}, squashed="
        f"{squashed}, start=0.05, learning_rate=0.2, momentum=0.1,"
        f" max_norm={max_norm}, a=0.5, b=-0.25)"
    )
    transform, state = build(SOURCES + text), None
    wanted = loop(batches, equality, squashed, 0.05, max_norm)
    for (kl, a, b), (mixed, values) in zip(batches, wanted, strict=True):
        rollout = from_arrays(np.ones((8, 1)), kl=kl, a=a, b=b)
        state = transform.init(rollout) if state is None else state
        channels, state = transform.update({}, state, rollout)
        got = np.asarray(channels["reward"].value[:, 0])
        np.testing.assert_allclose(got, mixed, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(state[-1].value, values, rtol=1e-12, atol=1e-12)


def test_a_reward_beyond_its_goal_loses_weight():
    """sigmoid(lambda) falls for the one, grows for the other; they add up with the
    base's weight to the number of goals."""
    transform = build(SOURCES + "constrained_sum('kl', center_by_batch(), a=0, b=2)")
    rollout = from_arrays(np.ones((4, 1)), kl=np.zeros(4), a=np.ones(4), b=np.ones(4))
    state = transform.init(rollout)
    for _ in range(20):
        _, state = transform.update({}, state, rollout)
    first, second = state[-1].value
    assert first < 0 < second


def test_a_batch_without_a_value_moves_nothing():
    """Nobody was heard, so nobody is above or below a goal."""
    transform = build(SOURCES + "constrained_sum('kl', center_by_batch(), a=1, b=1)")
    nobody = np.zeros(4, bool)
    signals = {"kl": np.ones(4), "a": np.full(4, np.nan), "b": np.full(4, np.nan)}
    rollout = from_arrays(np.ones((4, 1)), **signals, a_valid=nobody, b_valid=nobody)
    channels, state = transform.update({}, transform.init(rollout), rollout)
    assert np.array_equal(state[-1].value, np.zeros(2))
    assert np.isfinite(np.asarray(channels["reward"].value)).all()


def test_the_first_step_is_at_most_the_rate_times_the_norm():
    """A clipped gradient has norm max_norm, to the epsilon; a small one is left."""
    clip = clip_by_norm(0.5)
    long, short = np.array([30.0, 40.0]), np.array([0.3, 0.0])
    got = [clip.update(x, clip.init(x))[0] for x in (long, short)]
    np.testing.assert_allclose(np.linalg.norm(got[0]), 0.5 * 50 / (50 + 1e-6))
    np.testing.assert_allclose(got[1], short, rtol=1e-12)
