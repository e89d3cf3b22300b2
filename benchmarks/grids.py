"""Runs that differ in seed and learning rate: processes of their own, a worker, lanes.

    python -m benchmarks.grids processes --runs 16
    python -m benchmarks.grids worker --runs 16
    python -m benchmarks.grids lanes --runs 16 --lanes 4

Each prints a line of JSON: seconds of the whole, and of each order (a run, or lanes). A
run has the quickstart's model and batch (shape S), no warm-up and a few steps, so most
of it is what a run needs to begin. Compiled programs are kept on the disk, in a folder
of this call alone, as a user's second run finds them.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rewardlab.launch.worker import Order, Place, Worker

OPTIONS = {
    "warmup.steps": 0,
    "eval.num_problems": 8,
    "eval.num_generations": 8,
    "mesh.devices": 1,
    "task.difficulty.train": 512,
    "task.difficulty.test": 64,
}


def arguments(folder: Path, number: int, steps: int) -> list[str]:
    """Of `rewardlab train`: a seed and a learning rate of its own."""
    options = {"seed": number // 4, "optim.lr": 1e-4 * (1 + number % 4), **OPTIONS}
    options |= {"train.max_steps": steps, "eval.every": steps}
    said = [f"--config.{key}={value}" for key, value in options.items()]
    return ["--config=quickstart", f"--workdir={folder / str(number)}", *said]


def alone(orders: list[Order], environment: dict[str, str]) -> int:
    """A process for each; the status of the first that failed."""
    command = [sys.executable, "-m", "rewardlab", "train"]
    status = 0
    for order in orders:
        assert order.log is not None
        with order.log.open("a") as log:
            case = {"stdout": log, "stderr": log, "env": {**os.environ, **environment}}
            status |= subprocess.run([*command, *order.arguments], **case).returncode
    return status


def main() -> None:
    """Times one way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("way", choices=["processes", "worker", "lanes"])
    parser.add_argument("--runs", type=int, default=16)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--lanes", type=int, default=4)
    args = parser.parse_args()
    at_once = args.lanes if args.way == "lanes" else 1
    with tempfile.TemporaryDirectory() as name:
        folder, seconds = Path(name), []
        environment = {"JAX_COMPILATION_CACHE_DIR": str(folder / "compiled")}
        orders = [
            Order(arguments(folder, i, args.steps), folder / f"{i}.txt")
            for i in range(args.runs)
        ]
        worker = Worker(Place(environment=environment))
        for first in range(0, args.runs, at_once):
            began, some = time.perf_counter(), orders[first : first + at_once]
            if args.way == "processes":
                status = alone(some, environment)
            else:
                status = max(map(abs, worker.run(*some)))
            seconds.append(round(time.perf_counter() - began, 2))
            if status:
                sys.exit((folder / f"{first}.txt").read_text())
        worker.close()
    said = {"way": args.way, "runs": args.runs, "steps": args.steps}
    said |= {"at once": at_once, "seconds": round(sum(seconds), 1), "each": seconds}
    print(json.dumps(said))


if __name__ == "__main__":
    main()
