"""Channels that stand in for one another, against loops in float64."""

import numpy as np
import pytest
from oracle import GROUPS, SEEDS, agree, run, varied

from rewardlab.testing import from_arrays

pytestmark = pytest.mark.usefixtures("x64")
TEXT = (
    "outcome('correct') | outcome('score')"
    " | standardize_or_fallback('score', 'correct', 'counts', min_std=0.5)"
    " | weighted_sum(score=1)"
)


@pytest.mark.parametrize("seed", SEEDS)
def test_standardize_or_fallback(seed):
    """(r - mean) / std where the group's std is over 0.5; a row may count as 0."""
    rollout = varied(seed)
    counts = np.random.default_rng(seed).random(12) < 0.7
    rollout = rollout.with_signals(counts=counts)
    scores = run("outcome('score')", rollout)
    others = {i: r for (i, _), r in run("outcome('correct')", rollout).items()}
    want = {}
    for (i, t), r in scores.items():
        mates = [(j, x) for (j, _), x in scores.items() if GROUPS[j] == GROUPS[i]]
        seen = [x if counts[j] else 0.0 for j, x in mates]
        mean, std = 0.0, 1.0
        if len(seen) > 1:
            mean, std = np.mean(seen), np.std(seen, ddof=1)
        want[i, t] = (r - mean) / std if std > 0.5 else others.get(i, 0.0)
    agree(run(TEXT, rollout), want)


def test_standardize_or_of_equal_rewards():
    """A group without spread, and one whose only row counts."""
    rollout = from_arrays(
        np.ones((3, 1)),
        group=[0, 0, 1],
        correct=np.array([1.0, -1.0, 5.0]),
        score=np.array([0.7, 0.7, 0.7]),
        counts=np.ones(3),
    )
    agree(run(TEXT, rollout), {(0, 0): 1.0, (1, 0): -1.0, (2, 0): 0.7})
