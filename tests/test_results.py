"""What lies in a grid's folder is read, whole or torn."""

import csv
import io
import json

import numpy as np
import pytest

from rewardlab.results.numbers import area, at_end, episodes_until, numbers_of
from rewardlab.results.reading import label_of, read_results
from rewardlab.results.tables import comma_separated, latex, markdown, table


def planned(tmp_path, *entries):
    runs = [{"id": f"{i:012x}", "axes": {}, **e} for i, e in enumerate(entries)]
    (tmp_path / "grid.json").write_text(json.dumps({"schema": 1, "runs": runs}))


def write(folder, state, rows=(), torn=""):
    folder.mkdir(exist_ok=True)
    (folder / "run.json").write_text(json.dumps({"state": state, "error": "why"}))
    (folder / "config.json").write_text(json.dumps({"reward": "grpo", "seed": 0}))
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "metrics.jsonl").write_text(text + torn)


def test_a_grid_is_read_in_the_order_of_its_plan(tmp_path):
    axes = {"hp.eta": 0.5}
    planned(
        tmp_path,
        {"arm": "b", "seed": 1, "folder": "b-1", "axes": axes},
        {"arm": "b", "seed": 0, "folder": "b-0", "axes": axes},
        {"arm": "a", "seed": 0, "folder": "a-0"},
    )
    rows = [
        {"step": 1},
        {"step": 2, "eval/pass@1": 0.5},
        {"step": 2, "eval/pass@1": 0.6},
    ]
    write(tmp_path / "b-0", "done", rows, torn='{"step": 3, "ev')
    write(tmp_path / "a-0", "failed")
    found = read_results(tmp_path)
    assert list(found.cells) == ["b, hp.eta=0.5", "a"]
    run = found.cells["b, hp.eta=0.5"][0]
    assert run.evaluations == [{"step": 2, "eval/pass@1": 0.6}] and len(run.rows) == 2
    assert [r.state for r in found.runs] == ["waits", "done", "failed"]
    assert found.runs[2].error == "why" and found.runs[0].rows == ()


def test_a_plan_reaches_no_folder_beside_its_own(tmp_path):
    grid = tmp_path / "grid"
    grid.mkdir()
    entries = [{"arm": "a", "seed": 0, "folder": x} for x in ("../a", "/a", "", "a-0")]
    planned(
        grid,
        *entries,
        {"arm": 3, "seed": 0, "folder": "a"},
        {"seed": 0},
        {"arm": "a", "folder": "b"},
    )
    assert [run.folder.name for run in read_results(grid).runs] == ["a-0"]


def test_a_run_is_a_grid_of_one_and_a_folder_of_runs_is_one(tmp_path):
    rows = [{"step": 2}]
    write(tmp_path / "mine-3", "done", rows)
    alone = read_results(tmp_path / "mine-3").runs
    assert [(r.arm, r.seed, r.state) for r in alone] == [("mine", 0, "stopped")]
    assert read_results(tmp_path).runs == alone


def test_what_is_no_run_is_one_sentence(tmp_path):
    with pytest.raises(ValueError, match="neither the folder of a grid nor"):
        read_results(tmp_path)


def test_labels():
    assert label_of("a", {}) == "a"
    assert label_of("a", {"hp.eta": 0.5, "seed": 1}) == "a, hp.eta=0.5, seed=1"


@pytest.fixture
def run(tmp_path):
    """A run's folder: 4 prompts of 2 completions a step, judged every 10 steps."""
    rollout = {"num_prompts": 4, "num_generations": 2}
    (tmp_path / "config.json").write_text(json.dumps({"rollout": rollout, "seed": 0}))
    judged = {0: 0.2, 10: 0.4, 20: 0.8, 30: 0.7}
    rows = [
        {"step": 5, "reward/mean": 1.0},
        *({"step": s, "eval/pass@1": x, "eval/calls": 2.0} for s, x in judged.items()),
    ]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "metrics.jsonl").write_text(lines)
    return read_results(tmp_path).runs[0]


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
    assert np.isposinf(episodes_until(run, 0.9))


def test_the_report_names_a_winner_only_where_zero_is_outside():
    base = np.array([0.5, 0.6, 0.7])
    late = np.array([10.0, np.nan, 20.0])
    text = markdown(
        table(
            {
                "grpo": {"pass@1": base, "episodes": late},
                "better": {"pass@1": base + 0.1 + [0, 0.001, 0], "episodes": late},
                "noisy": {"pass@1": base + [0.1, -0.1, 0.05], "episodes": late},
            }
        )
    )
    assert (
        "| `grpo` | 0.600 [0.352, 0.848] | 15.0 [-48.5, 78.5] (2 of 3 seeds) |" in text
    )
    assert "- pass@1: better is higher" in text
    assert "- pass@1: no winner: noisy - grpo" in text
    # What one seed lacks is compared over the two that have it.
    assert "- episodes: no winner: noisy - grpo = 0.000 [0.000, 0.000], 2 seeds" in text


def test_a_number_that_a_run_lacks_at_its_end_leaves_the_others(run):
    found = read_results(run.folder)
    numbers = numbers_of(found, ["calls", "belief"])
    text = markdown(table(numbers))
    assert "| 2.000 | 0 of 1 seeds |" in text


def test_what_has_a_shares_name_and_other_values_is_none():
    text = markdown(table({"grpo": {"submitted": np.array([1.5, 2.5])}}))
    assert "| `grpo` | 2.000 [-4.353, 8.353] |" in text  # 12.7062 * 0.70711 / sqrt(2)


def test_an_interval_of_a_share_is_cut_and_that_of_a_length_is_not():
    """0.9 and 0.95: half is 12.7062 * 0.0353553 / sqrt(2) = 0.31766."""
    share = np.array([0.9, 0.95])
    text = markdown(table({"grpo": {"pass@8": share, "mean_length": share}}))
    assert "| `grpo` | 0.925 [0.607, 1.000] | 0.925 [0.607, 1.243] |" in text


def test_one_seed_has_a_mean_and_no_winner():
    one, two = np.array([0.5]), np.array([0.75])
    text = markdown(table({"grpo": {"pass@1": one}, "rloo": {"pass@1": two}}))
    assert "| `grpo` | 0.500 |" in text and "| `rloo` | 0.750 |" in text
    assert "- pass@1: rloo - grpo = 0.250, 1 seed" in text
    assert "higher" not in text and "[" not in text


def test_the_area_is_the_mean_height(run):
    # Trapezoids of 0.2, 0.4, 0.8, 0.7, ten steps apart: (0.3 + 0.6 + 0.75) / 3.
    assert area(run, "pass@1") == pytest.approx(0.55)


def many(seed=0):
    """Five arms of which one is better by little, over six seeds."""
    rng = np.random.default_rng(seed)
    base = rng.normal(0.5, 0.1, 6)
    arms = {"grpo": {"score": base}}
    for i in range(4):
        arms[f"a{i}"] = {"score": base + rng.normal(0.02 if i else 0.05, 0.04, 6)}
    return arms


def test_winners_are_named_after_holms_correction():
    """Of many arms some seem better by luck: an interval alone is not enough."""
    alone = [table(many(s)).differences for s in range(40)]
    flat = [d for found in alone for d in found]
    lost = [d for d in flat if d.comparison.winner and not d.winner]
    assert lost and all("Holm's p" in d.verdict for d in lost)
    assert all(d.comparison.winner for d in flat if d.winner)
    assert "after Holm's correction" in markdown(table(many()))


def test_tables_for_machines_and_papers():
    made = table(
        {
            "a|b": {"pass@1": np.array([0.5, 0.6])},
            "c_%": {"pass@1": np.array([0.9, np.nan])},
        }
    )
    rows = list(csv.DictReader(io.StringIO(comma_separated(made))))
    assert [row["arm"] for row in rows] == ["a|b", "c_%"]
    assert float(rows[0]["mean"]) == pytest.approx(0.55) and rows[1]["low"] == ""
    assert "c\\_\\% & 0.900 (1 of 2 seeds)" in latex(made)
    assert "`a\\|b`" in markdown(made)
