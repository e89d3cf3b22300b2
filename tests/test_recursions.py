"""Recursions over tokens against a loop in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rewardlab.core import recursions

pytestmark = pytest.mark.usefixtures("strict_ranks", "x64")


def test_accumulate():
    """y_t = x_t + keep_t y_{t+1}: 3; 2 + 0.5 * 3; 1 + 0 * 3.5."""
    keep = jnp.array([[0.0, 0.5, 9.0]])
    got = recursions.accumulate(jnp.array([[1.0, 2.0, 3.0]]), keep)
    assert got.tolist() == [[1.0, 3.5, 3.0]]


def recursion(x, keep):
    """A loop over time, in float64."""
    y, following = np.zeros_like(x), np.zeros(len(x))
    for t in reversed(range(x.shape[1])):
        following = y[:, t] = x[:, t] + keep[:, t] * following
    return y


@pytest.mark.parametrize("width", [1, 2, 31, 127, 128, 129, 400, 128 * 128 + 1])
def test_accumulate_in_blocks(width):
    """Any width, factors from 0 to 1, and what has gathered after each token."""
    rng = np.random.default_rng(width)
    x = rng.normal(size=(3, width))
    keep = rng.choice([0.0, 0.3, 0.95, 1.0], size=x.shape)
    want = recursion(x, keep)
    np.testing.assert_allclose(recursions.accumulate(x, keep), want, rtol=1e-12)
    after = np.concatenate([want[:, 1:], np.zeros((3, 1))], axis=1)
    np.testing.assert_allclose(recursions.accumulate_after(x, keep), after, rtol=1e-12)
    want = recursion(x, np.ones_like(x))
    np.testing.assert_allclose(recursions.sum_to_go(x), want, rtol=1e-9, atol=1e-12)


def test_accumulate_has_gradients_and_batches():
    """d y_0 / d x_t is the product of the factors before t; vmap is a loop."""
    rng = np.random.default_rng(0)
    x, keep = rng.normal(size=(2, 1, 11)), rng.random((2, 1, 11))
    first = lambda x, keep: recursions.accumulate(x, keep)[0, 0]  # noqa: E731
    dx, dkeep = jax.grad(first, (0, 1))(x[0], keep[0])
    passed = np.cumprod(np.concatenate([[1.0], keep[0, 0, :-1]]))
    np.testing.assert_allclose(dx[0], passed, rtol=1e-12)
    later = np.append(recursion(x[0], keep[0])[0, 1:], 0)
    np.testing.assert_allclose(dkeep[0], passed * later, rtol=1e-12)
    both = jax.vmap(recursions.accumulate)(x, keep)
    np.testing.assert_allclose(both[1], recursion(x[1], keep[1]), rtol=1e-12)


def test_long_sums_in_float32():
    """0.1 added 65,536 times stays within 1e-5; one after the other drifts by 1e-3."""
    with jax.enable_x64(False):
        x = jnp.full((2, 65536), 0.1)
        want = np.float64(np.float32(0.1)) * np.arange(65536, 0, -1)
        for got in (recursions.accumulate(x, jnp.ones(())), recursions.sum_to_go(x)):
            assert np.abs(np.asarray(got) / want - 1).max() < 1e-5


def test_a_value_that_is_not_finite_stays_in_its_row():
    """And reaches what stands before it."""
    x = jnp.ones((2, 200)).at[0, 100].set(jnp.nan)
    got = np.asarray(recursions.sum_to_go(x))
    assert got[1].tolist() == list(range(200, 0, -1))
    assert np.isnan(got[0, :101]).all()
