"""A grid's runs on this machine: never too many at once, and what becomes of each."""

import itertools
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from fake_worker import doing

from rewardlab.launch import children, grid, launchers, worker
from rewardlab.launch.kept import put_aside
from rewardlab.launch.plan import Planned
from rewardlab.launch.worker import Worker
from rewardlab.results.reading import read_results
from rewardlab.system.lock import holder, only_one

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
    monkeypatch.setattr(worker, "COMMAND", doing(RUN))
    monkeypatch.setattr(launchers, "_AGAIN", 0.02)


def some(tmp_path, *names, base=""):
    where = {name: tmp_path / name for name in names}
    return [
        Planned("1" * 12, n, {}, 0, x, (f"--workdir={x}",), base, 3, n[0])
        for n, x in where.items()
    ]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_cap_is_a_cap_and_a_failure_stops_nothing(jobs, fake, tmp_path):
    runs = some(tmp_path, "a-0", "bad-0", "c-0", "d-0", "e-0")
    local = launchers.Local(jobs, children.Children(lambda i: Worker()))
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
    for _ in launchers.Local(3, children.Children(lambda i: Worker()))(runs):
        pass
    took = {}
    for run in runs:
        arguments = json.loads((run.folder / "config.json").read_text())["said"]
        named = [x.partition("=")[2] for x in arguments if "init_from" in x]
        took[run.arm] = [name.rpartition("/")[2] for name in named]
    assert took["bad-0"] == [] and sorted(map(len, took.values())) == [0, 0, 1]
    assert {*itertools.chain(*took.values())} <= {"b-0", "c-0"}


def test_a_run_that_another_process_still_does_is_waited_for(fake, tmp_path):
    """As after a grid that was killed: its runs are told to save, which takes time."""
    (run,) = some(tmp_path, "a-0")
    told = children.Children(lambda i: Worker())
    ended = iter(launchers.Local(1, told)([run]))
    with ThreadPoolExecutor(1) as pool, only_one(run.folder):
        first = pool.submit(next, ended)
        time.sleep(0.3)
        assert holder(run.folder) == str(os.getpid()) and not first.done()
        with pytest.raises(ValueError, match="is in use by process"):
            put_aside(run)
        assert [path.name for path in run.folder.iterdir()] == [".lock"]
    assert first.result().state == "runs" and next(ended).state == "done"
    with only_one(run.folder):
        told.told = 15  # while it waits
        assert list(launchers.Local(1, told)([run])) == []


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


def test_runs_of_one_program_are_done_side_by_side(monkeypatch, tmp_path):
    """As many as there are lanes; the others are no lane's."""
    script = RUN.replace("began = ", "print(os.environ['LANES']); began = ")
    monkeypatch.setattr(worker, "COMMAND", doing(f"import os\n{script}"))
    runs = some(tmp_path, "a-0", "b-0", "a-1", "a-2", "bad-0", "a-3")
    local = launchers.Local(1, children.Children(lambda i: Worker()), lanes=3)
    states = {x.run.arm: x.state for x in local(runs)}
    assert states.pop("bad-0") == "failed" and set(states.values()) == {"done"}
    logs = {run.arm: (run.folder / "log.txt").read_text() for run in runs}
    assert [logs[f"a-{i}"] for i in range(4)] == ["3\n", "3\n", "3\n", "1\n"]
    assert logs["b-0"] == "2\n" and logs["bad-0"].startswith("2\n")


def test_a_worker_keeps_to_what_it_has_compiled(monkeypatch, tmp_path):
    script = RUN.replace("began = ", "print(os.environ['WORKER']); began = ")
    monkeypatch.setattr(worker, "COMMAND", doing(f"import os\n{script}"))
    runs = some(tmp_path, *(f"{x}-{i}" for i in range(3) for x in "ab"))
    assert (
        len(list(launchers.Local(2, children.Children(lambda i: Worker()))(runs))) == 12
    )
    logs = [{(r.folder / "log.txt").read_text() for r in runs[i::2]} for i in range(2)]
    assert [len(x) for x in logs] == [1, 1] and logs[0] != logs[1]


def test_a_mistake_in_a_launcher_is_seen(tmp_path):
    def broken(i):
        raise ValueError("no worker")

    with pytest.raises(ValueError, match="no worker"):
        list(launchers.Local(2, children.Children(broken))(some(tmp_path, "a-0")))


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--lanes=0"], "--lanes=0 must be at least 1"),
        (["--lanes=2", "--launcher=print"], "each run is by itself; leave it out"),
        (["--resources=cpus=2"], "is for --launcher=slurm or ray; leave it out"),
        (["--launcher=ray", "--resources=qos=x"], "Ray knows cpus, gpus and memory"),
        (["--lanes=2", "--seeds=0"], "no two runs have the same program"),
        (["--lanes=2", "--", "--config.mesh.driver=pmap"], "leave --lanes out"),
    ],
)
def test_who_cannot_do_the_runs_is_said_before_the_first(flags, says, tmp_path, capsys):
    said = ["--config=quickstart", "--arm=grpo", f"--workdir={tmp_path}"]
    with pytest.raises(SystemExit) as end:
        grid.main([*said, *flags])
    assert str(end.value.code).startswith("error: ") and says in str(end.value.code)
    assert not any(tmp_path.iterdir())


def test_printed_commands_are_all_that_is_printed(tmp_path, capsys):
    said = ["--config=quickstart", "--arm=grpo", f"--workdir={tmp_path}", "--seeds=0,1"]
    grid.main([*said, "--launcher=print"])
    lines = capsys.readouterr().out.splitlines()
    assert [x.split()[:3] for x in lines] == [
        ["rewardlab", "train", "--config=quickstart"]
    ] * 2
