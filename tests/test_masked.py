"""Sums and means against loops, with NaN wherever nothing may be read."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import step_tokens, true_tokens, varied

from rewardlab.core import masked
from rewardlab.testing import from_arrays

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
    assert masked.safe_divide(jnp.array([6.0, 0.0]), jnp.array([3, 0])).tolist() == [
        2,
        0,
    ]


def test_count_of_long_rows():
    """Rows of 40 * 32 + 7 tokens, among them a full one; a full row of 9000 also."""
    mask = np.random.default_rng(0).random((2, 40 * 32 + 7)) < 0.7
    mask[1] = True
    assert masked.count(mask).tolist() == [sum(row.tolist()) for row in mask]
    assert masked.count(np.ones((1, 9000), bool)).tolist() == [9000]


def test_variance_and_smallest():
    """Of 1, 2, 4, 8: mean 15/4, squares 1 + 4 + 16 + 64 = 85, 85 - 225/4 = 28.75."""
    assert np.isclose(masked.variance(X, M), 28.75 / 4)
    assert np.isclose(masked.variance(X, M, ddof=1), 28.75 / 3)
    assert masked.variance(X[:1, :1], M[:1, :1], ddof=1) == 0
    assert masked.variance(X, M & False) == 0
    assert masked.variance(np.full((3, 3), 0.1), M, ddof=1) == 0
    assert masked.smallest(X, M) == 1 and masked.smallest(X, M & False) == 0


@pytest.mark.parametrize("seed", range(4))
def test_last_tokens_and_steps(seed):
    """The last True token of rows and steps, and the first of each token's step."""
    rollout = varied(seed)
    last = np.asarray(jax.jit(masked.last)(rollout.mask))
    ends = np.asarray(jax.jit(masked.step_ends)(rollout))
    starts = np.asarray(jax.jit(masked.step_starts)(rollout))
    reach = np.asarray(jax.jit(masked.up_to_last)(rollout.mask))
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
    last = np.asarray(jax.jit(masked.last)(mask))
    for row, found in zip(mask, last, strict=True):
        assert np.flatnonzero(found).tolist() == np.flatnonzero(row)[-1:].tolist()
    assert jax.jit(masked.last)(np.zeros((0, width), bool)).shape == (0, width)


def test_a_step_without_a_token_of_the_policy_has_no_end():
    """Step 1 is all environment; step ids may jump, and columns may be empty."""
    rollout = from_arrays([[1, 0, 1]], step=[[0, 1, 5]], valid=[[1, 1, 1]])
    assert masked.step_ends(rollout).tolist() == [[True, False, True]]
    empty = from_arrays(np.zeros((2, 4)))
    assert not masked.step_ends(empty).any() and not masked.last(empty.mask).any()


def test_groups_by_id():
    """Groups are ids in any order; a prompt may have no rows."""
    rollout = from_arrays(np.ones((4, 1)), group=[2, 0, 2, 2])
    x = jnp.array([1.0, 5.0, 2.0, 4.0])
    assert masked.group_sum(x, rollout).tolist() == [5, 0, 7]
    assert masked.sum_over_group(x, rollout).tolist() == [7, 5, 7, 7]
    assert masked.sum_over_other_rows(x, rollout).tolist() == [6, 0, 5, 3]
    assert masked.group_size(rollout).tolist() == [3, 1, 3, 3]
    least = masked.group_min(jnp.where(x == 5, jnp.inf, x), rollout)
    assert least.tolist() == [1, 0, 1, 1]


def test_rivals():
    """Groups 2: (1, 4, 2) and 0: (5); a lone row has no rival."""
    rollout = from_arrays(np.ones((4, 1)), group=[2, 0, 2, 2])
    x = jnp.array([1.0, 5.0, 4.0, 2.0])
    assert masked.max_of_other_rows(x, rollout).tolist() == [4, -np.inf, 2, 4]
    ties = jnp.array([4.0, 5.0, 4.0, 2.0])
    assert masked.max_of_other_rows(ties, rollout).tolist() == [4, -np.inf, 4, 4]


def test_numbers_of_nested_keys():
    """Each key divides the sets of those before it; the numbers follow their order."""
    first, second = np.array([[5, 2], [5, 2]]), np.array([[1, 1], [0, 1]])
    outer, inner = masked.dense_ids_of_each(first, second)
    assert outer.tolist() == [[1, 0], [1, 0]]
    assert (
        inner.tolist() == [[2, 0], [1, 0]] == masked.dense_ids(first, second).tolist()
    )
