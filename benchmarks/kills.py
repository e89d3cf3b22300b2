"""Kills a small run again and again, and checks that it ends as if nobody had.

    python -m benchmarks.kills --kills 83 --seconds 3600

Half of the kills are aimed: the run kills itself at the n-th time that it writes a file
for good (fsync, rename). The others come from outside after a random time, by SIGKILL,
SIGTERM or SIGINT. After each the same command goes on; every time the run is done, its
metrics, its parameters and its verdicts must equal those of the run that nobody killed,
bit for bit, and the next one begins. It ends after `--kills`, or `--seconds`.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SENT = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
STEPS = 8


def settings() -> dict[str, Any]:
    """A run of seconds, in which every kind of file is written every few steps."""
    reward = "process('prm') | episode_return() | center_by_group()"
    return {
        "reward": f"{reward} | broadcast_to_tokens()",
        "model.num_layers": 1,
        "model.width": 64,
        "model.num_heads": 2,
        "model.ffn": 128,
        "task.difficulty.train": 64,
        "task.difficulty.test": 16,
        "task.difficulty.validation": 16,
        "warmup.steps": 2,
        "warmup.batch_size": 16,
        "rollout.num_prompts": 4,
        "rollout.num_generations": 4,
        "rollout.max_completion_length": 16,
        "train.max_steps": STEPS,
        "eval.num_problems": 8,
        "eval.num_generations": 8,
        "eval.every": 3,
        "checkpoint.every": 2,
        "log.completions_every": 3,
        "mesh.devices": 1,
    }


def child(workdir: str, at: int) -> None:
    """The run itself; with `at` it kills itself at that write, counted from 1."""
    import jax
    import numpy as np

    from rewardlab.runs.config import default_config
    from rewardlab.runs.training import train

    left = [at]

    def aimed(function: Any) -> Any:
        def write(*args: Any, **kwargs: Any) -> Any:
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*args, **kwargs)

        return write

    os.fsync, os.replace = aimed(os.fsync), aimed(os.replace)
    Path.rename = aimed(Path.rename)  # type: ignore[method-assign]
    Path.replace = aimed(Path.replace)  # type: ignore[method-assign]
    config = default_config()
    config.update_from_flattened_dict(settings())
    params = train(config, workdir).params
    np.savez(f"{workdir}/params.npz", *jax.tree.leaves(params))


def start(workdir: Path, at: int = 0) -> subprocess.Popen:
    """The run in a process of its own; what it says goes to `log.txt`."""
    workdir.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "benchmarks.kills"]
    command += ["--child", str(workdir), "--at", str(at)]
    env = {**os.environ, "JAX_PLATFORMS": "cpu"}
    with (workdir / "log.txt").open("a") as log:
        return subprocess.Popen(command, env=env, stdout=log, stderr=log)


def outcome(workdir: Path) -> tuple[Any, ...]:
    """All that a run comes to, the clock apart."""
    import numpy as np

    from rewardlab.runs.metrics import WALL_CLOCK

    lines = (workdir / "metrics.jsonl").read_text().splitlines()
    rows = [
        {k: x for k, x in json.loads(line).items() if not k.startswith(WALL_CLOCK)}
        for line in lines
    ]
    with np.load(workdir / "params.npz") as file:
        params = [file[name].tobytes() for name in file.files]
    files = ("held_out_before.npy", "held_out_after.npy")
    completions = sorted((workdir / "completions").iterdir())
    pages = {page.name: page.read_bytes() for page in completions}
    return rows, params, [(workdir / f).read_bytes() for f in files], pages


def campaign(folder: Path, kills: int, seconds: float, seed: int = 0) -> dict[str, int]:
    """How many kills, starts that found themselves done, and runs that ended equal.

    Raises `AssertionError` as soon as one is not, and leaves its workdir.
    """
    rng, began = random.Random(seed), time.monotonic()
    alone = start(folder / "alone")
    assert alone.wait() == 0, f"see {folder}/alone/log.txt"
    takes, right = time.monotonic() - began, outcome(folder / "alone")
    done = {"kills": 0, "ended before the kill": 0, "runs that ended equal": 0}
    workdir = folder / "killed"
    while done["kills"] < kills and time.monotonic() - began < seconds:
        aimed = rng.random() < 0.5
        process = start(workdir, rng.randrange(1, 60) if aimed else 0)
        sent = rng.choice(SENT)
        if not aimed:
            try:
                process.wait(rng.uniform(0, takes))
            except subprocess.TimeoutExpired:
                process.send_signal(sent)
        status = process.wait()
        allowed = (0, -signal.SIGKILL, *(128 + s for s in SENT), *(-s for s in SENT))
        assert status in allowed, f"status {status}; see {workdir}/log.txt"
        done["ended before the kill" if status == 0 else "kills"] += 1
        if status == 0:
            assert outcome(workdir) == right, f"{workdir} differs from {folder}/alone"
            done["runs that ended equal"] += 1
            shutil.rmtree(workdir)
    assert start(workdir).wait() == 0, f"see {workdir}/log.txt"
    assert outcome(workdir) == right, f"{workdir} differs from {folder}/alone"
    return {**done, "runs that ended equal": done["runs that ended equal"] + 1}


def main() -> None:
    """The campaign of the command line, in a folder that is left if it fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=83)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--child", default="")
    parser.add_argument("--at", type=int, default=0)
    args = parser.parse_args()
    if args.child:
        child(args.child, args.at)
        return
    folder = Path(tempfile.mkdtemp(prefix="kills-"))
    print(campaign(folder, args.kills, args.seconds, args.seed))
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
