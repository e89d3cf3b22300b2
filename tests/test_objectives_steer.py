"""STEER's weights against loops; what it adds to the clipped surrogate."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rewardlab import objectives
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives.steer import (
    entropy_change,
    exponential_weight,
    linear_weight,
)
from rewardlab.testing import from_arrays

pytestmark = pytest.mark.usefixtures("x64")


def example(seed):
    """Ragged rows with an empty one; NaN and a certain token among the numbers."""
    rng = np.random.default_rng(seed)
    mask = np.arange(5) < np.array([5, 3, 0, 1])[:, None]
    new, old = -rng.exponential(size=(2, 4, 5))
    new[0, 1] = 0.0
    entropy, advantage = rng.exponential(size=(4, 5)), rng.normal(size=(4, 5))
    new, old, entropy = (np.where(mask, x, np.nan) for x in (new, old, entropy))
    stats = TokenStats(jnp.asarray(new), jnp.asarray(entropy))
    return stats, from_arrays(mask, logp=old), jnp.asarray(advantage)


def loop_change(stats, rollout, advantage):
    found = np.zeros((4, 5))
    for i, t in zip(*np.nonzero(rollout.mask), strict=True):
        p = min(max(math.exp(stats.logp[i, t]), 1e-8), 1 - 1e-8)
        old = max(math.exp(rollout.logp[i, t]), 1e-8)
        slope = p * (1 - p) * (math.log(p) + float(stats.entropy[i, t]))
        found[i, t] = abs(float(advantage[i, t]) / old * slope)
    return found


@pytest.mark.parametrize("seed", range(3))
def test_weights(seed):
    """Both ends of the line are reached; the exponential ends at w_min."""
    stats, rollout, advantage = example(seed)
    mask = np.asarray(rollout.mask)
    change = loop_change(stats, rollout, advantage)
    got = entropy_change(stats, rollout, advantage)
    np.testing.assert_allclose(got, change, rtol=1e-12)
    low, high = change[mask].min(), change[mask].max()
    line = 1.2 - (change - low) * (1.2 - 0.8) / (high - low)
    weight = linear_weight(got, rollout, 0.8, 1.2)
    np.testing.assert_allclose(weight, np.where(mask, line, 0), rtol=1e-12)
    np.testing.assert_allclose(weight[mask].min(), 0.8)
    np.testing.assert_allclose(weight[mask].max(), 1.2)
    rate = -math.log(0.8) / max(high, 0.02)
    curve = np.clip(np.exp(-rate * change), 0.8, 1)
    weight = exponential_weight(got, rollout, 0.8, 0.02)
    np.testing.assert_allclose(weight, np.where(mask, curve, 0), rtol=1e-12)


def test_no_advantage_gives_the_middle():
    """All changes equal: the middle of the line, and 1 on the curve."""
    stats, rollout, advantage = example(0)
    change = entropy_change(stats, rollout, 0 * advantage)
    mask = np.asarray(rollout.mask)
    np.testing.assert_array_equal(linear_weight(change, rollout, 0.8, 1.2), 1.0 * mask)
    curve = exponential_weight(change, rollout, 0.8, 0.02)
    np.testing.assert_array_equal(curve, 1.0 * mask)


@pytest.mark.parametrize("name", ["steer", "steer_exponential"])
def test_the_loss_is_the_weighted_surrogate(name):
    """Value and gradient: the weight is a constant. Nothing outside the mask counts."""
    stats, rollout, advantage = example(1)
    change = entropy_change(stats, rollout, advantage)
    linear = name == "steer"
    weight = (
        linear_weight(change, rollout, 0.8, 1.2)
        if linear
        else exponential_weight(change, rollout, 0.8, 0.02)
    )
    clip = objectives.clipped(0.2, 0.28, 10.0)

    def total(logp, loss, scale):
        logp = jnp.where(rollout.mask, logp, 0)
        part, _ = loss(stats._replace(logp=logp), rollout, advantage)
        return jnp.sum(jnp.where(rollout.mask, scale * part, 0))

    of = jax.value_and_grad(total)
    got = of(stats.logp, objectives.SURROGATES[name](), 1.0)
    want = of(stats.logp, clip, weight)
    np.testing.assert_allclose(got[0], want[0], rtol=1e-12)
    np.testing.assert_allclose(got[1], want[1], rtol=1e-12)
