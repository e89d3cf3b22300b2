"""Losses of ties and of lists against loops in float64."""

import itertools
import math

import jax
import numpy as np
import pytest

from rewardlab.reward_models import bradley_terry as bt

pytestmark = pytest.mark.usefixtures("x64")
RNG = np.random.default_rng(0)


def test_soft_pair_loss():
    """A sure preference is `pair_loss`, a tie the mean of both ways round."""
    a, b = RNG.normal(size=(2, 5))
    one, other = bt.pair_loss(a, b), bt.pair_loss(b, a)
    np.testing.assert_allclose(bt.soft_pair_loss(a, b, 1.0), one)
    np.testing.assert_allclose(bt.soft_pair_loss(a, b, 0.0), other)
    np.testing.assert_allclose(bt.soft_pair_loss(a, b, 0.5), (one + other) / 2)
    least = jax.grad(lambda x: bt.soft_pair_loss(x, 0.0, 0.75))(math.log(3.0))
    assert abs(least) < 1e-12  # where sigmoid(x) is the preference


def test_ranking_loss():
    """Every ordered pair once; ties and padding are no pairs; a lone item has none."""
    score = RNG.normal(size=(4, 5))
    rating = np.array(
        [[3, 1, 1, 0, 2], [5, -1, 2, -1, -1], [1, 1, 1, 1, 1], [4, -1, -1, -1, -1]]
    )
    for row, (s, r) in enumerate(zip(score, rating, strict=True)):
        losses = [
            math.log1p(math.exp(s[j] - s[i]))
            for i, j in itertools.permutations(range(5), 2)
            if r[i] > r[j] >= 0
        ]
        want = sum(losses) / max(len(losses), 1)
        assert bt.ranking_loss(score, rating)[row] == pytest.approx(want, rel=1e-12)
