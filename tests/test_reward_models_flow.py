"""The score of a velocity."""

import numpy as np
import pytest

from rewardlab.reward_models.flow import velocity_score

pytestmark = pytest.mark.usefixtures("x64")


def test_velocity_score():
    """A flow that is right scores 0; errors (1, 2, 2) score 4 * 9 / 3 at t = 0.8."""
    hidden, noise = np.random.default_rng(0).normal(size=(2, 4, 3))
    right = hidden - noise
    np.testing.assert_allclose(velocity_score(right, hidden, noise), 0, atol=1e-12)
    wrong = right + np.array([1.0, -2.0, 2.0])
    np.testing.assert_allclose(velocity_score(wrong, hidden, noise), 12, rtol=1e-9)
    np.testing.assert_allclose(velocity_score(wrong, hidden, noise, 0.5), 3, rtol=1e-9)
