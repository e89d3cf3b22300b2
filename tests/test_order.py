"""Ranks and order statistics against a sort."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rewardlab.core import order
from rewardlab.testing import from_arrays


@pytest.mark.parametrize("wide", [False, True])
def test_kth_least_is_what_a_sort_has_there(wide):
    """Negative numbers, zeros of both signs, ties, infinities, a row of one value."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(5, 9)).round(1) * 10.0 ** rng.integers(-20, 20, (5, 9))
    x[1] = 0.5
    x[2, :4] = [np.inf, -np.inf, -0.0, 0.0]
    with jax.enable_x64(wide):
        values = jnp.asarray(x, jnp.float64 if wide else jnp.float32)
        for k in range(9):
            place = np.full((5, 1), k)
            got = np.asarray(jax.jit(order.kth_smallest)(values, place))[:, 0]
            np.testing.assert_array_equal(
                got, np.sort(np.asarray(values), axis=1)[:, k]
            )


@pytest.mark.parametrize("q", [0.0, 0.3, 0.5, 0.85, 1.0])
@pytest.mark.parametrize("entries", [1, 2, 10])
def test_a_quantile_of_few_is_numpys(q, entries, x64):
    """Linear interpolation; with ties, with NaN, and of a single entry."""
    x = np.random.default_rng(0).normal(size=(6, entries)).round(1)
    x[0], x[1, 0] = 0.7, np.nan
    got = jax.jit(lambda x: order.quantile_of_few(x, q))(x)
    np.testing.assert_allclose(got, np.quantile(x, q, axis=1), rtol=1e-12)


def test_every_row_has_its_own_place():
    x = jnp.array([[3.0, 1.0, 2.0], [3.0, 1.0, 2.0]])
    assert order.kth_smallest(x, jnp.array([[0], [2]])).tolist() == [[1.0], [3.0]]


@pytest.mark.parametrize("k", [0, 1, 3, 8, 9, 20])
def test_the_k_greatest(k):
    """As a stable sort has them: ties, zeros of both signs, infinities, NaN, one row
    with nothing else."""
    x = np.random.default_rng(k).integers(-2, 3, (6, 9)) * 0.5
    x[0], x[1, ::2], x[2, :3] = np.nan, np.nan, [np.inf, -np.inf, -0.0]
    want = np.zeros(x.shape, bool)
    for row, values in zip(want, x, strict=True):
        order_ = np.argsort(np.where(np.isnan(values), np.inf, -values), kind="stable")
        row[order_[:k]] = True
    got = jax.jit(order.k_largest, static_argnums=1)(x.astype(np.float32), k)
    assert (np.asarray(got) == want & ~np.isnan(x)).all()
    assert order.k_largest(jnp.zeros((2, 0)), k).shape == (2, 0)


def test_the_greatest_entries_have_a_mean():
    """Ties at the edge count once each; a row without entries gives 0."""
    x = jnp.array([[1.0, 3.0, 3.0, 2.0, 9.0], [5.0, 1.0, 1.0, 1.0, 1.0], [1.0] * 5])
    mask = jnp.array([[True] * 4 + [False], [True] * 5, [False] * 5])
    got = jax.jit(order.mean_of_largest)(x, mask, jnp.array([[3], [2], [1]]))
    np.testing.assert_allclose(got, [(3 + 3 + 2) / 3, (5 + 1) / 2, 0], rtol=1e-6)


def test_ranks_in_a_group():
    """Groups 2: (1, 4, 2) and 0: (5); ties share a rank; rows that are out do not."""
    rollout = from_arrays(np.ones((4, 1)), group=[2, 0, 2, 2])
    x, ties = jnp.array([1.0, 5.0, 4.0, 2.0]), jnp.array([4.0, 5.0, 4.0, 2.0])
    rows = jnp.ones(4, bool)
    assert order.group_rank(x, rows, rollout).tolist() == [0, 0, 2, 1]
    assert order.group_rank(ties, rows, rollout).tolist() == [1.5, 0, 1.5, 0]
    but_last = jnp.array([True, True, True, False])
    assert order.group_rank(x, but_last, rollout).tolist()[:3] == [0, 0, 1]
