"""Comparators: completions of a prompt against one another, by hand."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from scored import made, written

from rewardlab.scorers.verifiers import VERIFIERS


def longer(prompt, first, second, **facts):
    """A judge: the longer text is better; `secret` breaks it."""
    if "broken" in first + second:
        raise RuntimeError("no verdict")
    return 0.5 if len(first) == len(second) else float(len(first) > len(second))


def first_of_all(prompt, first, second, **facts):
    """A judge that likes what it reads first, and is surer of x."""
    return 0.9 if "x" in first else 0.7


HERE = f"{__name__}:longer"


@pytest.mark.parametrize("judge", ["score", HERE])
def test_against_each_other(judge):
    """Three completions of one prompt and two of another, by score and by length."""
    rows = written(["aaa", "b", "c", "dd", "eee"], [0, 0, 0, 1, 1])
    rows = rows.with_signals(score=jnp.array([3.0, 1, 1, 2, 3]))
    beats = made(VERIFIERS["beats"](judge), rows)
    wanted = [[1, 1], [0, 0.5], [0, 0.5], [0, 0], [1, 0]]
    assert beats["beats"].tolist() == wanted
    valid = [[True, True]] * 3 + [[True, False]] * 2
    assert beats["beats_valid"].tolist() == valid
    assert made(VERIFIERS["preference"](judge), rows)["preference"].tolist() == wanted
    rate = made(VERIFIERS["win_rate"](judge), rows)["win_rate"]
    assert rate.tolist() == [1, 0.25, 0.25, 0, 1]
    best = made(VERIFIERS["minimax"](judge), rows)["minimax"]
    np.testing.assert_allclose(best, [1, 0, 0, 0, 1], atol=1e-6)


@pytest.mark.parametrize(
    "word",
    ["round_robin", "single_elimination", "double_elimination", "swiss"],
)
def test_the_best_comes_first_in_every_tournament(word):
    rows = written(["a", "bb", "ccc", "dddd"] * 2, [0] * 4 + [1] * 4)
    rows = rows.with_signals(score=jnp.array([1.0, 2, 3, 4, 4, 3, 2, 1]))
    place = made(VERIFIERS[word]("score"), rows)["placement"]
    assert place[3] == place[4] == 1 and place.min() == 0
    if word == "round_robin":
        np.testing.assert_allclose(place, [0, 1 / 3, 2 / 3, 1, 1, 2 / 3, 1 / 3, 0])


def test_against_the_first():
    """The anchor has the mean of its own scores: 0 and 1/2 against 1 and 1/2."""
    rows = written(["a", "bb", "c"]).with_signals(score=jnp.array([1.0, 2, 1]))
    place = made(VERIFIERS["against_first"]("score"), rows)["placement"]
    assert place.tolist() == [0, 1, 0.5]


def test_pairs_are_drawn_anew_in_each_iteration():
    rows = written(["a"] * 8).with_signals(score=jnp.arange(8.0))
    maker = VERIFIERS["swiss"]("score")
    found = [made(maker, rows, i)["placement"].tolist() for i in (0, 1, 2, 3, 0)]
    assert any(x != found[0] for x in found) and found[0] == found[-1]


def test_a_judge_is_asked_in_both_orders():
    """0.9 and 1 - 0.7 for x before y: (0.9 + 0.3) / 2."""
    rows = written(["x", "y"])
    judge = f"{__name__}:first_of_all"
    chance = made(VERIFIERS["preference"](judge), rows)["preference"]
    np.testing.assert_allclose(chance, [[0.6], [0.4]], rtol=1e-6)


def test_a_judge_that_fails_decides_nothing():
    rows = written(["aa", "broken"])
    found = made(VERIFIERS["beats"](HERE), rows)["beats"]
    assert found.tolist() == [[0.5], [0.5]]


def test_empty_rows_meet_nobody():
    rows = written(["a", "bb", "ccc"]).with_signals(score=jnp.array([1.0, 2, 3]))
    mask = rows.mask.at[1].set(False)
    rows = dataclasses.replace(rows, mask=mask)
    found = made(VERIFIERS["win_rate"]("score"), rows)
    assert found["win_rate"].tolist() == [0, 0, 1]
    assert found["win_rate_valid"].tolist() == [True, False, True]
    alone = written(["a"]).with_signals(score=jnp.array([1.0]))
    assert made(VERIFIERS["win_rate"]("score"), alone)["win_rate"].tolist() == [0.5]
    assert made(VERIFIERS["beats"]("score"), alone)["beats"].shape == (1, 0)


def test_a_judge_that_is_not_there():
    with pytest.raises(ValueError, match="judge 'nowhere:judge' cannot be imported"):
        VERIFIERS["beats"]("nowhere:judge")
