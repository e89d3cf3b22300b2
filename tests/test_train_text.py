"""Whole runs whose reward reads text."""

import arithmetic_texts
import pytest
from test_train import REWARD, numbers, tiny

from rewardlab.runs import checkpoint
from rewardlab.runs.training import train
from rewardlab.scorers.text_rewards import TextReward

PYTHON = "evaluations/python_calls"  # what alone they differ in


def test_a_text_reward_trains_as_the_jitted_verifier_does(tmp_path):
    """The same numbers on the host path: rewards read from text, on the same task."""
    text = TextReward("text_prm", arithmetic_texts.prm, steps=7)
    reward = REWARD.replace("'prm'", "'text_prm'")
    config = tiny(reward=reward, **{"train.max_steps": 2})
    train(config, tmp_path / "text", scorers=[text])
    config = tiny(**{"train.max_steps": 2})
    train(config, tmp_path / "jitted")
    host, device = numbers(tmp_path / "text"), numbers(tmp_path / "jitted")
    for a, b in zip(host, device, strict=True):
        shared = {k: v for k, v in a.items() if k in b}
        asked = shared.pop(PYTHON, 0) - b.get(PYTHON, 0)
        assert asked == (16 if a["step"] else 0)
        assert len(shared) > 20 or a["step"] == 0
        assert shared == pytest.approx({k: b[k] for k in shared}, abs=1e-5)
    assert "rewards/text_prm/mean" in host[1]


def test_a_text_reward_is_asked_for_each_batch_and_stops_a_run_that_it_fails(tmp_path):
    """Nothing is asked for shapes: two batches are two calls, at a start and later."""
    calls = []

    def short(completions, completion_ids, **_):
        calls.append(len(completions))
        if calls.count(16) < 3:
            raise KeyError("label")
        return [len(ids) for ids in completion_ids]

    reward = REWARD.replace("process('prm')", "outcome('short')")
    config = tiny(reward=reward, **{"train.max_unrewarded": 2, "eval.every": 9})
    text = [TextReward("short", short)]
    sentence = r"in 2 batches .* no completion had a reward \(short/errors 100%\)"
    with pytest.raises(ValueError, match=sentence):
        train(config, tmp_path, scorers=text)
    assert calls.count(16) == 2 and checkpoint.steps(tmp_path) == [2]
    config.train.max_steps = 4
    train(config, tmp_path, scorers=text)
    assert calls.count(16) == 4 and calls.count(64) == 2  # held out, at both ends
    rows = numbers(tmp_path)
    assert [row.get("rewards/short/errors") for row in rows] == [None, 1, 1, 0, 0]
    assert rows[2]["reward/mean"] is None and rows[3]["reward/mean"] > 0


def test_a_text_reward_that_cannot_be_imported_is_named(tmp_path):
    config = tiny(scorers="nowhere.at:all")
    with pytest.raises(ValueError, match="'nowhere.at:all' cannot be imported"):
        train(config, tmp_path)
