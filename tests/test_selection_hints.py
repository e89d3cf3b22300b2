"""Prompts on which every plain answer failed."""

import numpy as np

from rewardlab.selection.hints import needs_hint
from rewardlab.testing import from_arrays


def test_needs_hint():
    """One right answer is enough; empty rows say nothing, and neither do no rows."""
    mask = np.array([[True], [True], [True], [True], [False], [False]])
    correct = np.array([0.0, 1.0, 0.0, 0.0, 1.0, 1.0])
    rollout = from_arrays(mask, group=[0, 0, 1, 2, 2, 4])
    got = needs_hint(correct, rollout)
    assert got.tolist() == [False, True, True, False, False]
