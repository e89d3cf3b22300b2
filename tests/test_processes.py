"""Several processes are one run: equal to one process, and none outlives another."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from small import SHORT_RUN

from rewardlab.launch import together
from rewardlab.launch.train import main
from rewardlab.runs.metrics import WALL_CLOCK
from rewardlab.runs.sinks import read_metrics
from rewardlab.system.processes import agreed, fetched, highest

CONFIG = """
from rewardlab.runs.config import default_config

def get_config():
    config = default_config()
    config.update_from_flattened_dict({values})
    return config
"""
REWARDS = """
import os

def short(prompts, completions, completion_ids=None, **columns):
    with open(os.environ["ASKED"], "a") as file:
        file.write(f"{os.getpid()}\\n")
    return [1 / len(ids) for ids in completion_ids]
"""
STEPS = "process('prm') | episode_return() | center_by_group() | broadcast_to_tokens()"
TEXT = "outcome('short') | center_by_group() | broadcast_to_tokens()"
SETTINGS = {
    **SHORT_RUN,
    "train.max_steps": 4,
    "eval.every": 2,
    "log.completions_every": 2,
}
LOST = "error: another process of this run has ended, and so does this one; start all"


def settings(folder: Path, **changes) -> None:
    values = {"reward": STEPS, **SETTINGS, **changes}
    (folder / "mine.py").write_text(CONFIG.replace("{values}", repr(values)))
    (folder / "rewards_of_mine.py").write_text(REWARDS)


def started(folder: Path, name: str, *flags: str, devices: int = 2):
    """`rewardlab train` in `folder`, with a workdir of that name."""
    xla = re.sub(r"--xla_force_host\S*", "", os.environ["XLA_FLAGS"])
    path = os.pathsep.join([str(folder), str(Path(__file__).parents[1])])
    env = {**os.environ, "XLA_FLAGS": xla, "PYTHONPATH": path}
    env |= {"JAX_NUM_CPU_DEVICES": str(devices), "ASKED": str(folder / "asked")}
    command = [sys.executable, "-m", "rewardlab", "train", "--config=mine.py"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    said = [*command, f"--workdir={name}", *flags]
    return subprocess.Popen(said, cwd=folder, env=env, **pipes)


def two(folder: Path, name: str, *flags: str):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        at = f"--coordinator=localhost:{free.getsockname()[1]}"
    flags = (at, "--num_processes=2", *flags)
    return [started(folder, name, *flags, f"--process_id={i}") for i in range(2)]


def ended(*processes) -> list[tuple[int, str, str]]:
    said = [process.communicate(timeout=400) for process in processes]
    return [(p.returncode, *x) for p, x in zip(processes, said, strict=True)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [{}, {"reward": TEXT, "scorers": "rewards_of_mine:short", "mesh.fsdp": 2}],
    ids=["on the devices", "rewards in Python, and parts"],
)
def test_two_processes_are_one_run(tmp_path: Path, changes) -> None:
    settings(tmp_path, **changes)
    (first, *_), (other, *_) = found = ended(*two(tmp_path, "two"))
    assert (first, other) == (0, 0), found
    assert "held-out problems" in found[0][1] and "held-out" not in found[1][1]
    asked = tmp_path / "asked"
    if "scorers" in changes:  # in the first process alone, once a row
        assert len(set(asked.read_text().split())) == 1
    ((alone, *said),) = ended(started(tmp_path, "one", "--config.mesh.devices=2"))
    assert alone == 0, said
    one, both = (read_metrics(tmp_path / x / "metrics.jsonl") for x in ("one", "two"))
    assert [row["step"] for row in both] == list(range(5))
    for here, there in zip(one, both, strict=True):
        assert here.keys() == there.keys()
        for key in (k for k in here if not k.startswith(WALL_CLOCK)):
            a, b = (np.nan if x is None else x for x in (here[key], there[key]))
            np.testing.assert_allclose(a, b, atol=1e-5, err_msg=key)
    files = [
        sorted(
            str(p.relative_to(tmp_path / x)) for p in (tmp_path / x).rglob("*.json*")
        )
        for x in ("one", "two")
    ]
    assert [f for f in files[0] if "state" not in f] == [
        f for f in files[1] if "state" not in f
    ]


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_one_is_killed_and_the_run_goes_on(tmp_path: Path, victim: int) -> None:
    steps = 60
    settings(tmp_path, **{"train.max_steps": steps, "eval.every": steps})
    running = two(tmp_path, "run", "--config.mesh.fsdp=2")
    saved = tmp_path / "run" / "checkpoints" / "2"
    limit = time.monotonic() + 300
    while not saved.exists() and time.monotonic() < limit:
        time.sleep(0.05)
    running[victim].kill()
    began = time.monotonic()
    status, _, said = ended(running[1 - victim])[0]
    assert time.monotonic() - began < 60 and status not in (0, -signal.SIGKILL)
    assert LOST in said and "Traceback" not in said
    running[victim].communicate()
    found = ended(*two(tmp_path, "run", "--config.mesh.fsdp=2"))
    assert [status for status, *_ in found] == [0, 0], found
    assert "going on from run/checkpoints/" in found[0][1]
    rows = read_metrics(tmp_path / "run" / "metrics.jsonl")
    assert [row["step"] for row in rows] == list(range(steps + 1))


@pytest.mark.slow
def test_one_is_told_to_stop_and_all_stop_at_that_step(tmp_path: Path) -> None:
    settings(tmp_path, **{"train.max_steps": 2000, "eval.every": 2000})
    running = two(tmp_path, "run")
    saved = tmp_path / "run" / "checkpoints" / "4"
    limit = time.monotonic() + 300
    while not saved.exists() and time.monotonic() < limit:
        time.sleep(0.05)
    running[1].terminate()
    found = ended(*running)
    assert [status for status, *_ in found] == [128 + signal.SIGTERM] * 2, found
    assert "is saved, the same command goes on from step" in found[0][1]
    rows = read_metrics(tmp_path / "run" / "metrics.jsonl")
    kept = json.loads((tmp_path / "run" / "last_checkpoint.txt").read_text())
    assert rows[-1]["step"] == kept < 2000


def test_one_process_agrees_with_itself():
    assert agreed(lambda: {"a": 1}) == {"a": 1} and highest(3) == 3
    with pytest.raises(ZeroDivisionError):
        agreed(lambda: 1 / 0)
    tree = {"x": np.arange(3)}
    assert fetched(tree) is tree


@pytest.mark.parametrize(
    ("name", "value", "several"),
    [
        ("SLURM_STEP_NUM_TASKS", "1", False),  # srun of one
        ("SLURM_STEP_NUM_TASKS", "4", True),
        ("SLURM_NTASKS", "4", False),  # of a batch script, before its srun
        ("OMPI_COMM_WORLD_SIZE", "2", True),
        ("TPU_WORKER_HOSTNAMES", "localhost", False),
        ("TPU_WORKER_HOSTNAMES", "a,b", True),
        ("JAX_COORDINATOR_ADDRESS", "host:1234", True),
    ],
)
def test_only_a_known_environment_means_several(monkeypatch, name, value, several):
    monkeypatch.setattr(together, "TPU_DEVICES", ())
    assert not together.in_a_cluster()
    monkeypatch.setenv(name, value)
    assert together.in_a_cluster() == several


def test_flags_of_a_process_go_together(capsys):
    given = ["--config=quickstart", "--workdir=no", "--num_processes=2"]
    with pytest.raises(SystemExit) as end:
        main(given)
    lacking = "--num_processes needs --coordinator, --process_id too"
    assert lacking in str(end.value.code)
    assert not Path("no").exists()
