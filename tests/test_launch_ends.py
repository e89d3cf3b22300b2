"""Runs of a grid, and forks of a run, end with what began them."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from rewardlab.launch import children, places, worker
from rewardlab.launch.worker import Order, Worker

ROOT = Path(__file__).parents[1]


def gone(pid, seconds=10):
    """Whether a process ends in time; a zombie has ended."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


FORKED = ROOT / "rewardlab" / "system" / "forked.py"
# What a run does when it is told to stop, without the run.
RUN = f"""
import importlib.util, os, signal, sys, time
spec = importlib.util.spec_from_file_location("forked", {str(FORKED)!r})
forked = importlib.util.module_from_spec(spec); spec.loader.exec_module(forked)
def leave(*_):
    print("saved", flush=True); sys.exit(143)
signal.signal(signal.SIGTERM, leave)
forked.end_with_parent(int(os.environ["REWARDLAB_GRID"]), signal.SIGTERM)
print(os.getpid(), flush=True)
time.sleep(60)
"""
# The same as a worker's process does it, after its first order.
WORKER = f"""
import json, os, sys
log = json.loads(sys.stdin.readline())[0]["log"]
os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT), 1)
{RUN}
"""


def lines_of(file, count):
    while not file.exists() or file.read_text().count("\n") < count:
        time.sleep(0.02)
    return file.read_text().splitlines()


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_grid_that_is_told_to_stop_tells_its_runs(told, monkeypatch, tmp_path, capfd):
    monkeypatch.setattr(worker, "COMMAND", (sys.executable, "-c", WORKER))
    runs = children.Children(lambda i: Worker())
    log, ends = tmp_path / "log.txt", []

    def one():
        try:
            runs.run(Order([], log))
        except children.Stopped as stopped:
            ends.append(stopped.args[0])

    with runs.told_to_stop():
        thread = threading.Thread(target=one)
        thread.start()
        pid = int(lines_of(log, 1)[0])
        os.kill(os.getpid(), told)
        thread.join(20)
    assert ends == [128 + told] and gone(pid)
    assert log.read_text().splitlines() == [str(pid), "saved"]
    assert (
        "runs are told to save and leave; the same command goes on (1)"
        in capfd.readouterr().err
    )
    with pytest.raises(children.Stopped):
        runs.run(Order([], log))  # none begins any more


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread looks")
def test_runs_end_with_a_grid_that_is_killed(tmp_path):
    script = f"""
import os, subprocess, sys, time
env = {{**os.environ, "REWARDLAB_GRID": str(os.getpid())}}
run = [sys.executable, "-c", {RUN!r}]
subprocess.Popen(run, env=env, stdout=open({str(tmp_path / "log")!r}, "w"))
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", script])
    pid = int(lines_of(tmp_path / "log", 1)[0])
    parent.kill()
    parent.wait()
    assert gone(pid) and lines_of(tmp_path / "log", 2)[1] == "saved"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread looks")
def test_a_forked_function_ends_with_the_run(tmp_path):
    """A reward with a time limit that hangs, in a run that is killed."""
    log = tmp_path / "log"
    script = f"""
import importlib.util, os, time
spec = importlib.util.spec_from_file_location("forked", {str(FORKED)!r})
forked = importlib.util.module_from_spec(spec); spec.loader.exec_module(forked)
def hang(pipe):
    open({str(log)!r}, "w").write(f"{{os.getpid()}}\\n")
    while True:
        time.sleep(1)
with forked.forked(hang) as pipe:
    pipe.poll(60)
"""
    run = subprocess.Popen([sys.executable, "-c", script])
    pid = int(lines_of(log, 1)[0])
    run.kill()
    run.wait()
    assert gone(pid)


def test_a_process_whose_parent_is_gone_already_ends_at_once():
    command = [sys.executable, "-c", RUN]
    env = {**os.environ, "REWARDLAB_GRID": "1"}  # not its parent
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 143 and done.stdout == "saved\n"


def test_workers_share_gpus_and_their_memory(monkeypatch):
    monkeypatch.setenv(places.DEVICES, "4,6")
    monkeypatch.delenv(places.MEMORY, raising=False)
    (alone,) = places.places(1)
    assert alone == ((), {})
    found = [place.environment for place in places.places(3)]
    assert [x[places.DEVICES] for x in found] == ["4", "6", "4"]
    assert [x.get(places.MEMORY) for x in found] == ["0.45", None, "0.45"]
    monkeypatch.setenv(places.MEMORY, "0.2")
    assert places.MEMORY not in places.places(3)[0].environment
    monkeypatch.setenv(places.DEVICES, "")
    assert [place.environment for place in places.places(2)] == [{}, {}]


def test_workers_share_the_cores(monkeypatch):
    monkeypatch.setattr(
        os, "sched_getaffinity", lambda pid: {0, 1, 2, 5, 6}, raising=False
    )
    assert [place.cores for place in places.places(2)] == [(0, 1), (2, 5)]
    assert [place.cores for place in places.places(1)] == [()]
    assert [place.cores for place in places.places(9)] == [()] * 9


CONFIG = """
import sys
sys.path.insert(0, {tests!r})
from test_train import tiny

def get_config(reward=""):
    return tiny(**{{"mesh.devices": 1, "train.max_steps": 3}})
"""


@pytest.mark.slow
def test_a_whole_grid(tmp_path):
    """Two arms, one with a number of its own, share a base and make a table."""
    (tmp_path / "tiny.py").write_text(CONFIG.format(tests=str(ROOT / "tests")))
    command = [sys.executable, "-m", "rewardlab", "grid", "--config=tiny.py"]
    command += ["--workdir=g", "--seeds=0,1", "--jobs=2", "--measure=pass@1"]
    arms = ["--arm=grpo", "--arm=soft-1=pure --config.hp.tau=0.5"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run([*command, *arms], cwd=tmp_path, env=env)
    again = subprocess.run([*command, arms[1]], cwd=tmp_path, env=env)
    assert run.returncode == again.returncode == 0
    table = (tmp_path / "g" / "table.md").read_text()
    assert "| `soft-1` | 0.000 [0.000, 0.000] |" in table
    assert "grpo" not in (tmp_path / "g" / "table_2.md").read_text()
    assert (tmp_path / "g" / "learning_curves_2.png").exists()
    assert '"tau": 0.5' in (tmp_path / "g" / "soft-1-1" / "config.json").read_text()
