"""Self-verdicts, values that steer decoding, uncertain pixels: loops in float64."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

from rewardlab.reward_models import laser, uncertainty, value_search

pytestmark = pytest.mark.usefixtures("x64")
RNG = np.random.default_rng(1)
MASK = np.array([[True] * 4, [True, True, False, False], [False] * 4])


def test_where_the_verdict_is_read():
    """The column after the end; a row that was cut off has none."""
    assert laser.after_end(MASK).tolist() == [0, 2, 0]
    assert laser.finished(MASK).tolist() == [False, True, True]
    score = laser.self_score(jnp.array([-13.0, -23.0, -3.0]))
    np.testing.assert_allclose(score, [1, 0, 2])
    np.testing.assert_allclose(laser.verdict(score - 0.5), [0.5, 0, 1])


def test_class_weights():
    """Both classes add up to n / 2; others have their class's weight."""
    correct = np.array([1.0, 0, 0, 0, 1])
    counts = np.array([True, True, True, True, False])
    weight = np.asarray(laser.class_weights(correct, counts))
    np.testing.assert_allclose(weight, [2, 2 / 3, 2 / 3, 2 / 3, 2])
    only_right = laser.class_weights(np.ones(3), np.ones(3, bool))
    np.testing.assert_allclose(only_right, 0.5)
    none = laser.class_weights(correct, np.zeros(5, bool))
    assert not np.asarray(none).any()


def test_self_score_loss():
    """The mean is over all rows; rows cut off add 0, even where they are NaN."""
    score, reward = np.array([0.5, np.nan, 2.0]), np.array([1.0, 1.0, 0.0])
    counts, weight = np.array([True, False, True]), np.array([2.0, 1.0, 0.5])
    loss = laser.self_score_loss(score, reward, counts, weight)
    assert loss == pytest.approx((2 * 0.25 + 0.5 * 4) / 3)
    perfect = laser.self_score_loss(reward, reward, counts)
    assert perfect == 0


@pytest.mark.parametrize(("discount", "decay"), [(1.0, 0.95), (0.9, 0.0), (0.9, 1.0)])
def test_lambda_returns(discount, decay):
    """Backwards, one token at a time; nothing follows the last True one."""
    mask = np.arange(6) < np.array([6, 3, 1, 0])[:, None]
    reward, value = RNG.normal(size=(2, 4, 6))
    reward[~mask] = value[~mask] = np.nan
    want = np.zeros((4, 6))
    for i, length in enumerate(mask.sum(axis=1)):
        after_v = after_g = 0.0
        for t in reversed(range(length)):
            blend = (1 - decay) * after_v + decay * after_g
            want[i, t] = after_g = reward[i, t] + discount * blend
            after_v = value[i, t]
    got = value_search.lambda_returns(
        jnp.asarray(reward), jnp.asarray(value), mask, discount, decay
    )
    np.testing.assert_allclose(got, want, atol=1e-12)
    loss = value_search.value_loss(value, got, mask)
    assert loss == pytest.approx(np.mean((value - want)[mask] ** 2) / 2)


def test_augmented_logits():
    """Only the likeliest move, by their value against the mean of them."""
    logits, value = RNG.normal(size=(2, 3, 7))
    for k in (2, 7, 20):
        want = logits.copy()
        for row in range(3):
            top = np.argsort(-logits[row])[:k]
            want[row, top] += 0.5 * (value[row, top] - value[row, top].mean())
        got = value_search.augmented_logits(logits, value, 0.5, k)
        np.testing.assert_allclose(got, want)


def test_class_disagreement():
    """KL from the auxiliary reading to the primary one, pixel by pixel."""
    primary, auxiliary = RNG.normal(size=(2, 2, 3, 2, 2))
    v = np.asarray(uncertainty.class_disagreement(primary, auxiliary, 2.0))
    p, q = (np.exp(x[1, :, 0, 1]) for x in (primary, auxiliary))
    p, q = p / p.sum(), q / q.sum()
    assert v[1, 0, 1] == pytest.approx(2 * np.sum(q * np.log(q / p)))
    same = uncertainty.class_disagreement(primary, primary)
    np.testing.assert_allclose(same, 0, atol=1e-15)
    np.testing.assert_allclose(uncertainty.certainty(same), 1)
    apart = uncertainty.value_disagreement(jnp.array([1.0]), jnp.array([3.0]))
    assert uncertainty.certainty(apart)[0] == pytest.approx(math.exp(-2))


def test_counted_mean():
    """Images of late steps do not count, whatever they hold; none gives 0."""
    x = np.array([[[1.0, 3.0]], [[np.nan, 1.0]], [[5.0, 5.0]]])
    assert uncertainty.counted_mean(x, np.array([True, False, True])) == 3.5
    assert uncertainty.counted_mean(x, np.zeros(3, bool)) == 0
    assert [float(uncertainty.ramp(s, 4, 2.0)) for s in (0, 2, 9)] == [0, 1, 2]
