"""The loss of rows that were helped: the shaped ratio, its gradient, and nobody."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rewardlab import objectives
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives.guided import shaped
from rewardlab.objectives.likelihood import explain
from rewardlab.testing import from_arrays

pytestmark = pytest.mark.usefixtures("x64")
MASK = np.arange(4) < np.array([[3], [4], [2], [1]])
RNG = np.random.default_rng(0)
OLD = -RNG.exponential(size=MASK.shape)
LOGP = OLD + RNG.normal(0, 0.5, MASK.shape)
A = RNG.normal(size=MASK.shape)


def whole(words, logp=LOGP, **rows):
    """Loss by token, and its gradient to the log-probs."""
    rollout = from_arrays(MASK, logp=OLD, **rows)
    objective = objectives.objective(*words, aggregate=objectives.sequence_mean())

    def loss(logp):
        return objective(TokenStats(logp, 0 * logp), rollout, jnp.asarray(A))[0].mean()

    return jax.value_and_grad(loss)(jnp.asarray(logp))


def test_nobody_helped_is_ppo_bit_for_bit():
    for own, other in zip(
        whole([objectives.guided(0.2)]), whole([objectives.clipped(0.2)]), strict=True
    ):
        np.testing.assert_array_equal(own, other)


@pytest.mark.parametrize("shape", ["percentile", "constant", "power", "log"])
def test_guided(shape):
    """Against a loop: hinted row 1, expert row 2; others are clipped."""
    marks = {"hinted": np.array([0, 1, 0, 0]) > 0, "expert": np.array([0, 0, 1, 0]) > 0}
    value, total = 0.7, 0.0
    for i, t in zip(*np.nonzero(MASK), strict=True):
        gap = np.where(MASK[i], LOGP[i] - OLD[i], 0)
        r = np.exp(gap[t])
        gamma = max(np.quantile(np.exp(gap), value), 1e-4)
        f = {
            "percentile": r / (r + gamma),
            "constant": r / (r + value),
            "power": r**value,
            "log": gap[t],
        }[shape]
        usual = max(-A[i, t] * r, -A[i, t] * np.clip(r, 0.8, 1.2))
        one = -A[i, t] * f if i in (1, 2) else usual
        total += one / MASK[i].sum() / len(MASK)
    got, gradient = whole([objectives.guided(0.2, shape=shape, value=value)], **marks)
    np.testing.assert_allclose(got, total, rtol=1e-9)
    assert np.all(np.asarray(gradient)[MASK][3:9] != 0)  # those rows are never clipped


def test_a_hint_of_nothing_pulls_with_a_quarter():
    """r = gamma = 1: f = 1/2 and df/dlog r = 1/4; `power` of 1 is the plain one."""
    zero = jnp.zeros((1, 4))
    np.testing.assert_allclose(shaped(zero, "percentile", 0.9), 0.5)
    slope = jax.grad(lambda x: jnp.sum(shaped(x, "constant", 1.0)))(zero)
    np.testing.assert_allclose(slope, 0.25)
    slope = jax.grad(lambda x: jnp.sum(shaped(x, "percentile", 0.9)))(zero)
    np.testing.assert_allclose(slope, 0.25)  # none flows through gamma
    np.testing.assert_allclose(shaped(zero, "power", 1.0), 1.0)
    with pytest.raises(ValueError, match="must be one of percentile"):
        objectives.guided(shape="steep")


def test_explain():
    """-w log pi on hinted rows that are right, and no gradient of another word."""
    marks = {"hinted": np.array([1, 1, 0, 0]) > 0, "correct": np.array([0, 1.0, 1, 1])}
    words = [objectives.guided(0.2, shape="power", value=0.0), explain(0.3, "correct")]
    _, gradient = whole(words, **marks)
    want = np.zeros(MASK.shape)
    want[1] = -0.3 / 4 / 4
    np.testing.assert_allclose(gradient[:2], want[:2], atol=1e-12)
    _, none = whole([explain(0.3, "correct")], correct=marks["correct"])
    assert not np.any(none)
