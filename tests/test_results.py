"""What lies in a grid's folder is read, whole or torn."""

import json

import pytest

from rewardlab.results.reading import label_of, read_results


def planned(tmp_path, *entries):
    runs = [
        {"id": f"{i:012x}", "axes": {}, "task": None, **e}
        for i, e in enumerate(entries)
    ]
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
    planned(grid, *entries, {"arm": 3, "seed": 0, "folder": "a"}, {"seed": 0})
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
    assert label_of("a", {"hp.eta": 0.5}, "search") == "a, task.name=search, hp.eta=0.5"
