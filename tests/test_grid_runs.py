"""A grid's runs on this machine: never too many at once, and what becomes of each."""

import itertools
import json
import sys

import pytest

from rewardlab.launch import children, grid, launchers
from rewardlab.launch.plan import Planned
from rewardlab.results.reading import read_results

# What stands for `rewardlab train`: notes when it ran, and fails if it is told to.
RUN = """
import json, pathlib, sys, time
said = dict(x.lstrip("-").split("=", 1) for x in sys.argv[1:])
folder = pathlib.Path(said["workdir"])
began = time.time()
(folder / "config.json").write_text(json.dumps({"said": sys.argv[1:]}))
time.sleep(0.15)
if "bad" in folder.name:
    sys.exit("error: no good\\x1b[2J")
(folder / "base" / "1").mkdir(parents=True, exist_ok=True)
(folder / "when.json").write_text(json.dumps([began, time.time()]))
row = {"step": 3, "eval/pass@1": 0.5, "reward/mean": 1}
(folder / "metrics.jsonl").write_text(json.dumps(row) + "\\n")
"""


@pytest.fixture
def fake(monkeypatch):
    monkeypatch.setattr(children, "TRAIN", (sys.executable, "-c", RUN))
    monkeypatch.setattr(launchers, "_AGAIN", 0.02)


def some(tmp_path, *names, base=""):
    where = {name: tmp_path / name for name in names}
    return [
        Planned("1" * 12, n, {}, 0, x, (f"--workdir={x}",), base, 3)
        for n, x in where.items()
    ]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_cap_is_a_cap_and_a_failure_stops_nothing(jobs, fake, tmp_path):
    runs = some(tmp_path, "a-0", "bad-0", "c-0", "d-0", "e-0")
    local = launchers.Local(jobs, children.Children(jobs))
    ended = [x for x in local(runs) if x.state != "runs"]
    assert {x.run.arm: x.state for x in ended} == {
        **dict.fromkeys(("a-0", "c-0", "d-0", "e-0"), "done"),
        "bad-0": "failed",
    }
    assert [x.error for x in ended if x.state == "failed"] == ["error: no good\x1b[2J"]
    files = [x.run.folder / "when.json" for x in ended if x.state == "done"]
    spans = [json.loads(file.read_text()) for file in files]
    at_once = [sum(b <= t <= e for b, e in spans) for t, _ in spans]
    assert max(at_once) <= jobs
    said = json.loads((tmp_path / "bad-0" / "run.json").read_text())
    assert said["state"] == "failed" and said["error"].startswith("error: no good")


def test_runs_of_one_base_wait_for_it(fake, monkeypatch, tmp_path):
    """The first makes it, the others take it; one that fails leaves it to the next."""
    monkeypatch.setattr("rewardlab.launch.plan.newest", lambda folder: folder)
    runs = some(tmp_path, "bad-0", "b-0", "c-0", base="x")
    for _ in launchers.Local(3, children.Children(3))(runs):
        pass
    took = {}
    for run in runs:
        arguments = json.loads((run.folder / "config.json").read_text())["said"]
        named = [x.partition("=")[2] for x in arguments if "init_from" in x]
        took[run.arm] = [name.rpartition("/")[2] for name in named]
    assert took["bad-0"] == [] and sorted(map(len, took.values())) == [0, 0, 1]
    assert {*itertools.chain(*took.values())} <= {"b-0", "c-0"}


def test_a_grid_from_the_command_line(fake, tmp_path, capsys):
    """Planned, done, skipped the second time, done anew where it was changed."""
    said = ["--config=quickstart", "--arm=grpo", "--arm=bad=rloo", "--seeds=0..1"]
    said += [f"--workdir={tmp_path}", "--measure=pass@1", "--jobs=2"]
    grid.main([*said, "--dry-run"])
    shown = capsys.readouterr().out
    assert "4 runs (4 new), 122,880 episodes to sample" in shown
    assert not (tmp_path / "grid.json").exists()
    said += ["--", "--config.train.max_steps=3"]
    with pytest.raises(SystemExit) as end:
        grid.main(said)
    assert end.value.code == 1
    shown = capsys.readouterr().out
    assert "bad, seed 1 failed: error: no good" in shown and "\x1b" not in shown
    assert "| `grpo` | 0.500 [0.500, 0.500] |" in shown
    results = read_results(tmp_path)
    assert [x.state for x in results.runs] == ["done", "failed"] * 2
    assert results.grid["arms"]["bad"] == {"reward": "rloo", "options": []}
    before = (tmp_path / "grpo-0" / "when.json").read_text()
    record = {"optim": {"lr": 1.0}}
    (tmp_path / "grpo-1" / "config.json").write_text(json.dumps(record))
    grid.main([x for x in said if x != "--arm=bad=rloo"])
    assert "grpo, seed 1 is done anew (optim.lr=1.0, now" in capsys.readouterr().out
    assert (tmp_path / "grpo-0" / "when.json").read_text() == before
    assert [x.name for x in (tmp_path / "replaced").iterdir()] == [
        f"grpo-1-{results.runs[2].id}"
    ]
    assert (tmp_path / "table.csv").exists() and (tmp_path / "table_2.md").exists()
