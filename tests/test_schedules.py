"""Schedules at their ends, half-way and beyond."""

import numpy as np
import pytest
from oracle import apply

from rewardlab import build, estimator
from rewardlab.core import schedules
from rewardlab.testing import ragged

VALUES = {
    "linear(0.5, 0, 100)": {0: 0.5, 50: 0.25, 100: 0, 200: 0},
    "cosine(1, 0, 100)": {0: 1, 50: 0.5, 100: 0, 101: 0},
    "cosine(0, 2, 100)": {0: 0, 50: 1, 100: 2, 300: 2},
    "exponential(0.3, 500)": {0: 0.3, 500: 0.3 / np.e, 1000: 0.3 / np.e**2},
    "switch(1, 0.25, 10)": {0: 1, 9: 1, 10: 0.25, 11: 0.25},
    "piecewise_linear((10, 0), (20, 1), (40, 0.5))": {0: 0, 15: 0.5, 30: 0.75, 99: 0.5},
}


@pytest.mark.parametrize("text", VALUES)
def test_a_schedule_at_an_iteration(text, x64):
    """Numbers by hand; the same in Python and in a sentence."""
    made = eval(text, dict(schedules.SCHEDULES))
    closed = estimator(build(f"outcome('one') | weighted_sum(one={text})"))
    rollout = ragged().with_signals(one=np.ones(12))
    for iteration, value in VALUES[text].items():
        assert np.isclose(made(np.asarray(iteration)), value, rtol=1e-12, atol=1e-12)
        now = rollout.__class__(
            **{**rollout.__dict__, "iteration": np.asarray(iteration)}
        )
        advantage = apply(closed, now)
        assert np.isclose(np.abs(advantage).max(), value, rtol=1e-12, atol=1e-12)


def test_points_must_rise():
    """Two points at one iteration have no line between them."""
    with pytest.raises(ValueError, match="rising iterations"):
        schedules.piecewise_linear((0, 1), (0, 2))
