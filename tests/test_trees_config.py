"""Trees in a config: which can grow, and one sentence for those that cannot."""

import pytest

from rewardlab.runs.config import default_config
from rewardlab.runs.validate import validate

REFUSED = {
    "no environment": ("arithmetic", "grpo", {"roots": 4}, 0, "device has answered"),
    "no room": ("search", "grpo", {"roots": 8}, 0, "branching.roots=8 of 8 episodes"),
    "rounds": ("search", "grpo", {"roots": 4, "rounds": 3}, 0, "use a divisor"),
    "turns": ("search", "grpo", {"roots": 4, "turns": (1, 2)}, 0, "each round one"),
    "turn 0": ("search", "grpo", {"roots": 4, "turns": (0,)}, 0, "between 1 and 6"),
    "no roots": ("search", "grpo", {"rounds": 2}, 0, "rounds=2 does nothing while"),
    "weight": (
        *("search", "grpo", {"roots": 4, "turns": (1,), "weight": 1.0}, 0),
        r"weight=1.0 does nothing while rollout.branching.turns=\(1,\)",
    ),
    "rule": (
        *("search", "grpo", {"roots": 4, "rule": "least_dense", "weight": 1.0}, 0),
        "weight=1.0 does nothing while rollout.branching.rule=least_dense",
    ),
    "rule of turns": (
        *("search", "grpo", {"roots": 4, "turns": (1,), "rule": "least_dense"}, 0),
        r"rule=least_dense does nothing while rollout.branching.turns=\(1,\)",
    ),
    "no node": ("search", "arpo_hard", {}, 0, "the signal 'node', .* set rollout.br"),
    "no value": ("search", "pav", {}, 0, "'success', and nothing makes it"),
    "nobody reads": ("search", "grpo", {}, 4, "neither step_value nor success"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_tree_that_cannot_grow_is_one_sentence(case):
    task, reward, branching, continuations, message = REFUSED[case]
    config = default_config(task)
    config.reward = reward
    config.rollout.update({"branching": branching, "continuations": continuations})
    with pytest.raises(ValueError, match=message) as error:
        validate(config, devices=1)
    assert "\n" not in str(error.value)


def test_trees_are_accepted():
    for reward, branching, continuations in (
        ("arpo_hard", {"roots": 4}, 0),
        ("arpo_hard", {"roots": 2, "rounds": 2, "turns": (1, 3)}, 0),
        ("critical_actions", {"roots": 1, "rounds": 7, "rule": "least_dense"}, 0),
        ("pav", {"roots": 4}, 0),
        ("pav", {}, 4),
    ):
        config = default_config("search")
        config.reward = reward
        config.rollout.update({"branching": branching, "continuations": continuations})
        validate(config, devices=1)
