"""Fathom-DeepResearch's steerable reward."""

import pytest

from rewardlab.rules.deep_research import steerable_reward


def test_right_answers_are_paid_for_thrift():
    """0.1 + max(1 - 1/4, 0.5); at worst 0.5; without a call nothing is redundant."""
    assert steerable_reward(True, True, 4, 1, 9, 9) == pytest.approx(0.85)
    assert steerable_reward(True, False, 4, 4, 0, 0) == 0.5
    assert steerable_reward(True, True, 0, 0, 0, 0) == pytest.approx(1.1)


def test_wrong_answers_are_paid_for_what_they_tried():
    """0.1 + 0.2 * 4/8 + 0.2 * 4/16; each part is capped."""
    assert steerable_reward(False, True, 9, 0, 4, 4) == pytest.approx(0.25)
    assert steerable_reward(False, False, 99, 0, 50, 50) == pytest.approx(0.4)
    assert steerable_reward(False, False, 3, 3, 0, 0) == 0


def test_more_redundant_calls_than_calls_are_refused():
    with pytest.raises(ValueError, match="5 of 4 calls"):
        steerable_reward(True, True, 4, 5, 0, 0)
