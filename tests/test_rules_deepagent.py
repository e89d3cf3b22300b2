"""DeepAgent's reward of actions."""

import pytest

from rewardlab.rules.deepagent import action_reward, folding_preference


def test_folding_preference():
    """(30 - 10) / 40; as long either way is 0; nothing at all is 0; all is 1."""
    assert folding_preference(30, 10) == 0.5
    assert folding_preference(10, 30) == -0.5
    assert folding_preference(7, 7) == folding_preference(0, 0) == 0
    assert folding_preference(9, 0) == 1


def test_action_reward():
    """Calls add up, and the preference comes on top; no call and no memory is 0."""
    assert action_reward([1, 0, 0.5]) == 1.5
    assert action_reward([1, 0.5], 30, 10) == 2.0
    assert action_reward([1], 10, 30, call_weight=2, folding_weight=0.5) == 1.75
    assert action_reward([]) == pytest.approx(0)
