"""ARPO's branching rule."""

import numpy as np
import pytest

from rewardlab.selection.branching import branch_probability, branches

pytestmark = pytest.mark.usefixtures("x64")


def test_branch_probability():
    """u - 0.2 dH, held in [0, 1]: 0.55 - 0.08, 1 + 0.1 held at 1, 0.05 - 0.2 at 0."""
    got = branch_probability(
        np.array([0.55, 1.0, 0.05]), np.array([0.9, 0, 1]), np.array([0.5, 0.5, 0])
    )
    np.testing.assert_allclose(got, [0.47, 1, 0], atol=1e-12)


def test_branches():
    """At the threshold a row branches; a rise in entropy makes it likelier."""
    draw = np.array([0.5, 0.51, 0.55, 0.55])
    now = np.array([0.0, 0.0, 0.3, 0.2])
    got = branches(draw, now, np.zeros(4))
    assert got.tolist() == [True, False, True, False]
    share = np.mean(branches(np.random.default_rng(0).random(9999), 1.0, 0.0))
    assert share == pytest.approx(0.7, abs=0.02)  # u <= 0.5 + 0.2
