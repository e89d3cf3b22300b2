"""Arms times seeds: what the grid makes of runs that are done."""

import json

import numpy as np
import pytest

from rewardlab.launch.plan import Arm, arms_of, seeds_of
from rewardlab.launch.table import at_end, episodes_until, files_of, measured, report


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


SENTENCE = "outcome('correct') | weighted_sum(correct=1)"


@pytest.mark.parametrize(
    ("text", "name", "arm"),
    [
        ("grpo", "grpo", Arm("grpo")),
        (f"plain={SENTENCE}", "plain", Arm(SENTENCE)),
        ("no-std.2=rloo", "no-std.2", Arm("rloo")),
        (
            "soft=pure --config.hp.tau=0.5 --config.optim.lr=1e-4",
            "soft",
            Arm("pure", ("--config.hp.tau=0.5", "--config.optim.lr=1e-4")),
        ),
        ("pure --config.hp.tau=0.5", "pure", Arm("pure", ("--config.hp.tau=0.5",))),
    ],
)
def test_an_arm_is_a_method_or_a_name_and_what_it_is(text, name, arm):
    assert arms_of([text]) == {name: arm}


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["grpoo"], "'grpoo' is no method; write NAME=SENTENCE"),
        ([SENTENCE], "is no method; write NAME=SENTENCE"),
        (["a/b=grpo"], "with a name of letters, digits"),
        (["../up=grpo"], "with a name of letters, digits"),
        (["-x=grpo"], "with a name of letters, digits"),
        (["x=grpo", "x=rloo"], "two arms are named 'x'"),
        ([f"a{i}=grpo" for i in range(8)], "8 arms in one picture .* at most 7"),
    ],
)
def test_what_is_no_arm_is_refused(texts, says):
    with pytest.raises(ValueError, match=says):
        arms_of(texts)


def test_seeds_are_whole_numbers_once_each():
    assert seeds_of("0, 7") == (0, 7)
    for text in ("0,a", "", "0,-1", "1.5", "0,0"):
        with pytest.raises(ValueError, match="--seeds="):
            seeds_of(text)


def test_the_last_evaluation_counts(run):
    assert at_end(run, "pass@1") == 0.7
    assert at_end(run, "calls") == 2.0
    with pytest.raises(
        ValueError, match="has no held-out number 'call'; have calls, pass"
    ):
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


def test_a_number_that_a_run_lacks_at_its_end_leaves_the_others(run):
    text = report(measured({"grpo": [run]}, ["calls", "belief"]))
    assert "| `grpo` | 2.000 | 0 of 1 seeds |" in text


def test_what_has_a_shares_name_and_other_values_is_none():
    text = report({"grpo": {"submitted": np.array([1.5, 2.5])}})
    assert "| `grpo` | 2.000 [-4.353, 8.353] |" in text  # 12.7062 * 0.70711 / sqrt(2)


def test_an_interval_of_a_share_is_cut_and_that_of_a_length_is_not():
    """0.9 and 0.95: half is 12.7062 * 0.0353553 / sqrt(2) = 0.31766."""
    share = np.array([0.9, 0.95])
    text = report({"grpo": {"pass@8": share, "mean_length": share}})
    assert "| `grpo` | 0.925 [0.607, 1.000] | 0.925 [0.607, 1.243] |" in text


def test_one_seed_has_a_mean_and_no_winner():
    one, two = np.array([0.5]), np.array([0.75])
    text = report({"grpo": {"pass@1": one}, "rloo": {"pass@1": two}})
    assert "| `grpo` | 0.500 |" in text and "| `rloo` | 0.750 |" in text
    assert "- pass@1: rloo - grpo = 0.250, 1 seed" in text
    assert "higher" not in text and "[" not in text


def test_a_figure_of_more_runs_stays(tmp_path):
    """Wider takes the place of narrower, the same of the same, and no other."""
    wide = ["a-0", "a-1", "b-0", "b-1"]
    names = [path.name for path in files_of(tmp_path, wide[:2])]
    assert names == ["table.md", "learning_curves.png"]
    assert files_of(tmp_path, wide)[0].name == "table.md"
    assert files_of(tmp_path, wide[:3])[0].name == "table_2.md"
    assert files_of(tmp_path, wide[:3])[1].name == "learning_curves_2.png"
    assert files_of(tmp_path, ["c-0"])[0].name == "table_3.md"
    assert files_of(tmp_path, wide)[0].name == "table.md"


@pytest.mark.parametrize("torn", ['{"table.md": ["a-', "[]", '{"table.md": 3}', "\xff"])
def test_a_torn_record_leaves_the_figure_that_it_was_of(tmp_path, torn):
    files_of(tmp_path, ["a-0"])[0].write_text("a table")
    (tmp_path / "grid.json").write_text(torn, "latin-1")
    assert files_of(tmp_path, ["a-0", "a-1"])[0].name == "table_2.md"


def test_a_figure_that_nobody_recorded_stays(tmp_path):
    (tmp_path / "learning_curves.png").write_bytes(b"of other runs")
    assert files_of(tmp_path, ["a-0"])[1].name == "learning_curves_2.png"
