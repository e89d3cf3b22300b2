"""Words of `select` on rows that were cut off, and one more row beside the best."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from rewardlab.selection import select_rows
from rewardlab.testing import from_arrays


def left(text, rollout):
    return np.asarray(select_rows(text)(rollout).mask).any(axis=1).tolist()


def test_rows_that_were_cut_off():
    """Row 1 was; row 3 says nothing of it, and stays only where it abstains not."""
    rollout = from_arrays(np.ones((4, 2), bool), finished=np.array([1.0, 0, 1, 0]))
    assert left("drop_truncated()", rollout) == [True, False, True, False]
    told = rollout.with_signals(ended=jnp.array([0.0, 1, 1, 1]))
    assert left("drop_truncated('ended')", told) == [False, True, True, True]
    none = rollout.with_signals(finished=jnp.zeros(4))
    assert left("drop_truncated()", none) == [False] * 4


def test_prompts_with_a_row_at_the_limit():
    """Of two prompts the second has a row of all three columns."""
    valid = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 1], [1, 0, 0]], bool)
    rollout = from_arrays(valid, group=np.array([0, 0, 1, 1]))
    assert left("drop_truncated_prompts()", rollout) == [True, True, False, False]


@pytest.mark.parametrize("iteration", range(5))
def test_the_best_and_another(iteration):
    """Two rows of each prompt, the greatest among them; other rows in other draws."""
    score = np.array([1.0, 3, 2, 0, 5, 5, 4, 1])
    rollout = from_arrays(
        np.ones((8, 2), bool), group=np.repeat([0, 1], 4), score=score
    )
    rollout = dataclasses.replace(rollout, iteration=jnp.asarray(iteration))
    kept = np.array(left("keep_best_and_another('score')", rollout)).reshape(2, 4)
    assert kept.sum(axis=1).tolist() == [2, 2]
    assert kept[0, 1] and kept[1, 0]  # of equals the first


def test_draws_differ_by_iteration():
    rollout = from_arrays(np.ones((12, 2), bool), score=np.arange(12.0))
    draws = set()
    for iteration in range(8):
        now = dataclasses.replace(rollout, iteration=jnp.asarray(iteration))
        draws.add(tuple(left("keep_best_and_another('score')", now)))
    assert len(draws) > 2


def test_what_abstained_is_not_another():
    rollout = from_arrays(
        np.ones((3, 2), bool),
        score=np.array([1.0, 9, 2]),
        score_valid=np.array([True, False, True]),
    )
    assert left("keep_best_and_another('score')", rollout) == [True, False, True]
