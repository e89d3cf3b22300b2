"""Arms times seeds: what the grid makes of runs that are done."""

import json

import numpy as np
import pytest

from experiments.grid import arms_of, at_end, episodes_until, report


@pytest.fixture
def run(tmp_path):
    """A run's folder: 4 prompts of 2 completions a step, judged every 10 steps."""
    rollout = {"num_prompts": 4, "num_generations": 2}
    (tmp_path / "config.json").write_text(json.dumps({"rollout": rollout}))
    judged = {0: 0.2, 10: 0.4, 20: 0.8, 30: 0.7}
    rows = [
        {"step": 5, "reward/mean": 1.0},
        *({"step": s, "eval/pass@1": x, "eval/calls": 2.0} for s, x in judged.items()),
    ]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "metrics.jsonl").write_text(lines)
    return tmp_path


def test_an_arm_is_a_method_or_a_named_sentence():
    sentence = "outcome('correct') | weighted_sum(correct=1)"
    assert arms_of(["grpo", f"plain={sentence}"]) == {"grpo": "grpo", "plain": sentence}
    for wrong in ("grpoo", sentence):
        with pytest.raises(ValueError, match="is no method; write NAME=SENTENCE"):
            arms_of([wrong])


def test_the_last_evaluation_counts(run):
    assert at_end(run, "pass@1") == 0.7
    assert at_end(run, "calls") == 2.0
    with pytest.raises(ValueError, match="no held-out number 'call'; have calls, pass"):
        at_end(run, "call")


def test_episodes_until_a_share_is_reached(run):
    # 0.5 lies a quarter of the way from step 10 to step 20; a step has 8 episodes.
    assert episodes_until(run, 0.5) == pytest.approx(12.5 * 8)
    assert episodes_until(run, 0.2) == 0
    assert np.isnan(episodes_until(run, 0.9))


def test_the_report_names_a_winner_only_where_zero_is_outside():
    base = np.array([0.5, 0.6, 0.7])
    late = np.array([10.0, np.nan, 20.0])
    text = report(
        {
            "grpo": {"pass@1": base, "episodes": late},
            "better": {"pass@1": base + 0.1 + [0, 0.001, 0], "episodes": late},
            "noisy": {"pass@1": base + [0.1, -0.1, 0.05], "episodes": late},
        }
    )
    assert "| `grpo` | 0.600 [0.352, 0.848] | 2 of 3 seeds |" in text
    assert "- pass@1: better is higher" in text
    assert "- pass@1: no winner: noisy - grpo" in text
    assert "episodes:" not in text  # a seed has no value, so nothing is compared
