"""A grid that is killed, at any moment, and begun again ends in the same table."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rewardlab.results.reading import read_results
from rewardlab.runs.metrics import WALL_CLOCK

ROOT = Path(__file__).parents[1]
CONFIG = """
import sys
sys.path.insert(0, {tests!r})
from test_train import tiny

def get_config(reward=""):
    return tiny(**{{"mesh.devices": 1, "train.max_steps": 6, "checkpoint.every": 2,
                    "warmup.steps": 4}})
"""
SAID = ["--arm=grpo", "--arm=slow=grpo --config.optim.lr=1e-5", "--seeds=0..1"]


def begun(folder, where):
    """The grid as a process; what it says lies beside its folder."""
    command = [sys.executable, "-m", "rewardlab", "grid", "--config=tiny.py", *SAID]
    command += ["--jobs=2", f"--workdir={where}", "--measure=pass@1,mean_length"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with open(folder / f"{where}.log", "a") as log:
        return subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=log)


def told(folder):
    """States that `run.json` has, and how many rows of metrics there are."""
    states, rows = [], 0
    for file in folder.glob("*/run.json"):
        with contextlib.suppress(OSError, ValueError):
            states.append(json.loads(file.read_text())["state"])
    for file in folder.glob("*/metrics.jsonl"):
        rows += file.read_bytes().count(b"\n")
    return states, rows


MOMENTS = {
    "planned": lambda states, rows: bool(states),
    "in training": lambda states, rows: rows >= 4,
    "one is done": lambda states, rows: "done" in states,
}


def killed_at(moment, folder, where):
    """Whether the grid was there to be killed."""
    grid = begun(folder, where)
    while grid.poll() is None and not moment(*told(folder / where)):
        time.sleep(0.05)
    alive = grid.poll() is None
    with contextlib.suppress(ProcessLookupError):
        grid.send_signal(signal.SIGKILL)
    grid.wait()
    return alive


def numbers(folder):
    """All that the runs have measured, but for times."""
    return {
        run.folder.name: [
            {k: x for k, x in row.items() if not k.startswith(WALL_CLOCK)}
            for row in run.rows
        ]
        for run in read_results(folder).runs
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A folder with the grid's config and `whole`, which nobody has killed."""
    folder = tmp_path_factory.mktemp("grids")
    (folder / "tiny.py").write_text(CONFIG.format(tests=str(ROOT / "tests")))
    start = time.monotonic()
    assert begun(folder, "whole").wait() == 0
    return folder, time.monotonic() - start


def ends_alike(folder, where):
    """Begun once more, the grid ends in the table and the numbers of the whole one."""
    assert begun(folder, where).wait() == 0  # at once: runs may still be saving
    whole, cut = folder / "whole", folder / where
    assert (whole / "table.md").read_text() == (cut / "table.md").read_text()
    assert numbers(whole) == numbers(cut)
    assert {run.state for run in read_results(cut).runs} == {"done"}


@pytest.mark.slow
def test_a_grid_that_is_killed_ends_in_the_same_table(whole):
    folder, _ = whole
    assert all([killed_at(x, folder, "cut") for x in MOMENTS.values()])
    ends_alike(folder, "cut")
    before = [f.stat().st_mtime for f in sorted(folder.glob("cut/*/metrics.jsonl"))]
    assert begun(folder, "cut").wait() == 0  # nothing is left to do
    after = [f.stat().st_mtime for f in sorted(folder.glob("cut/*/metrics.jsonl"))]
    assert before == after


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_grid_may_be_killed_at_any_moment(whole, seed):
    """Six times, each after a time drawn from none to that of the whole grid."""
    folder, seconds = whole
    drawn = random.Random(seed)
    for _ in range(6):
        until = time.monotonic() + drawn.uniform(0, seconds)
        killed_at(lambda *_, t=until: time.monotonic() > t, folder, f"cut-{seed}")
    ends_alike(folder, f"cut-{seed}")
