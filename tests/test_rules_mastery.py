"""A rubric's curriculum: numbers worked out by hand from the equations."""

import random

import pytest

from rewardlab.rules import mastery


def test_the_window_moves_on_when_a_criterion_is_mastered():
    """Strictly above 0.9 is mastered; the window keeps the order."""
    average = [0.95, 0.9, 0.0, 0.91, 0.5, 0.0, 0.0, 0.0]
    assert mastery.active(average) == [1, 2, 4, 5, 6]
    assert mastery.active([1.0, 1.0]) == []


def test_a_sequential_score_counts_active_criteria_alone():
    """Criteria 0 and 6 are outside. Earned 3 - 1 of 3 + 2; averages move by a tenth."""
    points = [9, 3, 2, -1, 0, -4, 7]
    met = [True, True, False, True, False, False, True]
    average = [1.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]
    score, after = mastery.sequential(points, met, average)
    assert score == pytest.approx(2 / 5)
    assert after == pytest.approx([1.0, 0.55, 0.45, 0.45, 0.45, 0.55, 0.5])


def test_the_window_is_set_once_a_batch():
    """Criterion 0 is mastered by the first completion and still counts in the second.

    Both meet the first five of six, so both have 1; so have more of them.
    """
    points, met = [1] * 6, [True] * 5 + [False]
    average = [0.89, 0, 0, 0, 0, 0]
    window, scores = mastery.active(average), []
    for _ in range(3):
        score, average = mastery.sequential(points, met, average, window)
        scores.append(score)
    assert window == [0, 1, 2, 3, 4] and scores == [1.0, 1.0, 1.0]
    assert average[0] == pytest.approx(1 - 0.11 * 0.9**3) and average[5] == 0
    assert mastery.active(average) == [1, 2, 3, 4, 5]  # of the next batch


def test_penalties_alone():
    """Over the sum of sizes; nothing at all is 0."""
    assert mastery.signed_score([-3, -1], [True, False]) == -0.75
    assert mastery.signed_score([], []) == mastery.signed_score([0], [True]) == 0


def test_a_review_weighs_what_is_not_yet_mastered():
    """Averages 0.1 and 0.9 after the update: weights 0.92 and 0.28, the first won."""
    score, after = mastery.review([1, 1], [True, False], [0.0, 1.0], [0, 1])
    assert after == pytest.approx([0.1, 0.9])
    assert score == pytest.approx(0.92 / (0.92 + 0.28))
    assert mastery.review([1], [True], [0.0], []) == (0.0, [0.0])


def test_equal_completions_get_unequal_rewards():
    """Each moves the averages, so the second is weighed otherwise: ORBIT's noise."""
    first, average = mastery.review([1, -1], [True, True], [0.0, 0.0], [0, 1])
    second, _ = mastery.review([1, -1], [True, True], average, [0, 1])
    assert first != second


def test_a_window_of_review():
    """At most two of five are mastered ones, drawn by lot; the rest come in order."""
    average = [1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0]
    for seed in range(10):
        found = mastery.review_window(average, random.Random(seed))
        again = [i for i in found if average[i] > 0.9]
        assert len(again) == 2 and [i for i in found if i not in again] == [1, 3, 5]
