"""Episodes on the device against the same through the host interface; prints JSON.

    python -m benchmarks.episodes runs/search

A run's base policy plays the problems of its task, 16 prompts x 8 episodes, both ways
in turns; the tokens of each pair are compared.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from rewardlab.core.types import Rollout
from rewardlab.data.columns import batch_indices
from rewardlab.models import lm
from rewardlab.rollouts import Sampling, rollout_episodes, rollout_episodes_on_host
from rewardlab.runs.config import default_config
from rewardlab.runs.prepare import prepare, saved_base

PROMPTS, EPISODES = 16, 8


def main() -> None:
    """Times both, in turns, after one round of each to compile."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workdir", help="a run on a task with an environment")
    parser.add_argument("--rounds", type=int, default=10)
    args = parser.parse_args()
    config = default_config(
        json.loads(Path(args.workdir, "config.json").read_text())["task"]["name"]
    )
    run = prepare(config, Path(args.workdir))
    task, params = run.task, saved_base(run)
    apply, key = lm.bind(run.program.model), jax.random.key(0)
    options = Sampling(EPISODES, task.completion_length, eos_ids=(), pad_id=0)
    seconds: dict[str, list[float]] = {"device": [], "host": []}
    tokens, equal = 0, 0
    for i in range(args.rounds + 1):
        rows = batch_indices(0, i, run.problems.size, PROMPTS)
        facts = jax.tree.map(jnp.asarray, run.problems.take(rows).arrays)
        case = (apply, params, facts, key, jnp.asarray(i), options)
        played: dict[str, Rollout] = {}
        for name, how, world in (
            ("device", rollout_episodes, task.environment),
            ("host", rollout_episodes_on_host, task.on_host),
        ):
            began = time.perf_counter()
            played[name] = jax.block_until_ready(how(*case, world))
            seconds[name].append(time.perf_counter() - began)
        same = np.all(played["device"].tokens == played["host"].tokens, axis=1)
        equal += int(same.sum())
        tokens += int(played["device"].valid.sum()) if i else 0
    spent = {name: sum(x[1:]) for name, x in seconds.items()}
    ratios = [h / d for h, d in zip(seconds["host"], seconds["device"], strict=True)]
    result = {
        "task": config.task.name,
        "rounds": args.rounds,
        "episodes": (args.rounds + 1) * PROMPTS * EPISODES,
        "identical": equal,
        "device_tokens_per_second": round(tokens / spent["device"]),
        "host_tokens_per_second": round(tokens / spent["host"]),
        "host_over_device_seconds_median": round(statistics.median(ratios[1:]), 2),
        "host_over_device_seconds_range": [round(f(ratios[1:]), 2) for f in (min, max)],
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
