"""Whole runs in which models judge: asked, paid, of pairs, and of themselves."""

import pytest
from test_train import numbers, tiny

from rewardlab.runs.training import train

SHORT = {"train.max_steps": 2, "eval.every": 2, "log.completions_every": 2}
SEVERAL = (
    "asked('asked', draws=2, truth='correct') | rewarded('paid', warmup=1)"
    " | versus(warmup=1) | single_elimination('preference')"
)


@pytest.mark.slow
def test_judges_that_learn_and_that_do_not_are_measured(tmp_path):
    """On two devices, cut into micro-batches; the policy waits for the warm-up."""
    reward = "outcome('placement') | center_by_group() | broadcast_to_tokens()"
    config = tiny(reward=reward, scorers=SEVERAL, **SHORT)
    config.optim.micro_batches = 2
    train(config, tmp_path)
    rows = numbers(tmp_path)
    calls = {"asked_asked": 32, "rewarded_paid": 64}
    for name, count in calls.items():
        told = {k: x for k, x in rows[-1].items() if k.startswith(f"scorers/{name}/")}
        assert told[f"scorers/{name}/calls"] == count
        assert 0 <= told[f"scorers/{name}/accuracy"] <= 1
    assert rows[1]["scorers/asked_asked/skipped_labels"] == 1
    assert rows[1]["scorers/rewarded_paid/skipped_labels"] == 0
    assert rows[1]["scorers/versus/skipped_labels"] == 1  # all are wrong: no pair


def test_the_policy_learns_to_judge_itself(tmp_path):
    config = tiny(reward="laser", updates="", **SHORT)
    train(config, tmp_path)
    rows = numbers(tmp_path)
    assert rows[-1]["self_verdict"] > 0 and 0 <= rows[-1]["self_accuracy"] <= 1
    assert 0 <= rows[-1]["rewards/self_score/mean"] <= 1
