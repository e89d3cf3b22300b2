"""Sums and means against loops, with NaN wherever nothing may be read."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import step_tokens, true_tokens, varied
from rollouts import from_arrays

from rewardlab import masked

pytestmark = pytest.mark.usefixtures("strict_ranks", "x64")
X = np.array([[1.0, 2.0, np.nan], [np.nan] * 3, [4.0, np.nan, 8.0]])
M = ~np.isnan(X)


def test_sums_and_means_of_rows():
    """By hand: 1 + 2; nothing; 4 + 8."""
    assert masked.total(X, M).tolist() == [3, 0, 12]
    assert masked.row_mean(X, M).tolist() == [1.5, 0, 6]
    assert masked.mean(X, M) == 15 / 4
    assert masked.sum_of(X, M).count == 4
    assert masked.sum_of(X, M & False).mean() == 0
    assert masked.divide(jnp.array([6.0, 0.0]), jnp.array([3, 0])).tolist() == [2, 0]


def test_count_of_long_rows():
    """Rows of 40 * 32 + 7 tokens, among them a full one; a full row of 9000 also."""
    mask = np.random.default_rng(0).random((2, 40 * 32 + 7)) < 0.7
    mask[1] = True
    assert masked.count(mask).tolist() == [sum(row.tolist()) for row in mask]
    assert masked.count(np.ones((1, 9000), bool)).tolist() == [9000]


def test_variance_and_least():
    """Of 1, 2, 4, 8: mean 15/4, squares 1 + 4 + 16 + 64 = 85, 85 - 225/4 = 28.75."""
    assert np.isclose(masked.variance(X, M), 28.75 / 4)
    assert np.isclose(masked.variance(X, M, ddof=1), 28.75 / 3)
    assert masked.variance(X[:1, :1], M[:1, :1], ddof=1) == 0
    assert masked.variance(X, M & False) == 0
    assert masked.variance(np.full((3, 3), 0.1), M, ddof=1) == 0
    times = np.array([[2], [5], [1]])  # 1, 1, 2, 2, 4, 8: mean 3, squares 90 - 54
    assert masked.mean(X, M, times) == 3
    assert np.isclose(masked.variance(X, M, ddof=1, times=times), 36 / 5)
    assert masked.least(X, M) == 1 and masked.least(X, M & False) == 0


@pytest.mark.parametrize("seed", range(4))
def test_last_tokens_and_steps(seed):
    """The last True token of rows and steps, and the first of each token's step."""
    rollout = varied(seed)
    last, ends = np.asarray(masked.last(rollout.mask)), masked.step_ends(rollout)
    starts = np.asarray(masked.step_starts(rollout))
    reach = np.asarray(masked.up_to_last(rollout.mask))
    for i in range(12):
        tokens, steps = true_tokens(rollout, i), step_tokens(rollout, i)
        assert np.nonzero(last[i])[0].tolist() == tokens[-1:]
        assert np.nonzero(ends[i])[0].tolist() == [ts[-1] for _, ts in steps]
        assert all(starts[i, t] == ts[0] for _, ts in steps for t in ts)
        assert reach[i].sum() == (tokens[-1] + 1 if tokens else 0)


@pytest.mark.parametrize("width", [1, 31, 32, 33, 64, 100])
def test_last_tokens_of_long_rows(width):
    """Rows are read in slices; the last one, holes and empty rows are no different."""
    rng = np.random.default_rng(width)
    mask = rng.random((40, width)) < rng.choice([0, 0.02, 0.5, 1], (40, 1))
    last = np.asarray(masked.last(jnp.asarray(mask)))
    for row, found in zip(mask, last, strict=True):
        assert np.flatnonzero(found).tolist() == np.flatnonzero(row)[-1:].tolist()
    assert masked.last(jnp.zeros((0, width), bool)).shape == (0, width)


def test_a_step_without_a_token_of_the_policy_has_no_end():
    """Step 1 is all environment; step ids may jump, and columns may be empty."""
    rollout = from_arrays([[1, 0, 1]], step=[[0, 1, 5]], valid=[[1, 1, 1]])
    assert masked.step_ends(rollout).tolist() == [[True, False, True]]
    empty = from_arrays(np.zeros((2, 4)))
    assert not masked.step_ends(empty).any() and not masked.last(empty.mask).any()


def test_accumulate():
    """y_t = x_t + keep_t y_{t+1}: 3; 2 + 0.5 * 3; 1 + 0 * 3.5."""
    keep = jnp.array([[0.0, 0.5, 9.0]])
    got = masked.accumulate(jnp.array([[1.0, 2.0, 3.0]]), keep)
    assert got.tolist() == [[1.0, 3.5, 3.0]]


def test_groups_by_id():
    """Groups are ids in any order; a prompt may have no rows."""
    rollout = from_arrays(np.ones((4, 1)), group=[2, 0, 2, 2])
    x = jnp.array([1.0, 5.0, 2.0, 4.0])
    assert masked.group_sum(x, rollout).tolist() == [5, 0, 7]
    assert masked.of_group(x, rollout).tolist() == [7, 5, 7, 7]
    assert masked.of_others(x, rollout).tolist() == [6, 0, 5, 3]
    least = masked.group_least(jnp.where(x == 5, jnp.inf, x), rollout)
    assert least.tolist() == [1, 0, 1, 1]


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
    np.testing.assert_allclose(masked.accumulate(x, keep), want, rtol=1e-12)
    after = np.concatenate([want[:, 1:], np.zeros((3, 1))], axis=1)
    np.testing.assert_allclose(masked.accumulate_after(x, keep), after, rtol=1e-12)


def test_accumulate_has_gradients_and_batches():
    """d y_0 / d x_t is the product of the factors before t; vmap is a loop."""
    rng = np.random.default_rng(0)
    x, keep = rng.normal(size=(2, 1, 11)), rng.random((2, 1, 11))
    first = lambda x, keep: masked.accumulate(x, keep)[0, 0]  # noqa: E731
    dx, dkeep = jax.grad(first, (0, 1))(x[0], keep[0])
    passed = np.cumprod(np.concatenate([[1.0], keep[0, 0, :-1]]))
    np.testing.assert_allclose(dx[0], passed, rtol=1e-12)
    later = np.append(recursion(x[0], keep[0])[0, 1:], 0)
    np.testing.assert_allclose(dkeep[0], passed * later, rtol=1e-12)
    both = jax.vmap(masked.accumulate)(x, keep)
    np.testing.assert_allclose(both[1], recursion(x[1], keep[1]), rtol=1e-12)


def test_long_sums_in_float32():
    """0.1 added 65,536 times stays within 1e-5; one after the other drifts by 1e-3."""
    with jax.enable_x64(False):
        got = masked.accumulate(jnp.full((2, 65536), 0.1), jnp.ones((2, 65536)))
        want = np.float64(np.float32(0.1)) * np.arange(65536, 0, -1)
        assert np.abs(np.asarray(got) / want - 1).max() < 1e-5


def test_rivals():
    """Groups 2: (1, 4, 2) and 0: (5); a lone row has no rival."""
    rollout = from_arrays(np.ones((4, 1)), group=[2, 0, 2, 2])
    x = jnp.array([1.0, 5.0, 4.0, 2.0])
    assert masked.greatest_of_others(x, rollout).tolist() == [4, -np.inf, 2, 4]
    ties = jnp.array([4.0, 5.0, 4.0, 2.0])
    assert masked.greatest_of_others(ties, rollout).tolist() == [4, -np.inf, 4, 4]
