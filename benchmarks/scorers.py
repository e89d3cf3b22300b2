"""What a scorer adds to an iteration: seconds and memory, in turns with none.

    python -m benchmarks.scorers S "critic()" "implicit()" "teacher()" --steps 8
    python -m benchmarks.scorers M "critic()" --steps 4 --set rollout.num_prompts=8

Each word is asked in a run of its own beside one without, of the arithmetic task and of
random weights; their iterations go in turns, so that whatever else the machine does
falls on both. Memory is what XLA plans for the compiled iteration: arguments, of which
the learner's state is the most, and what lives meanwhile.
"""

import argparse
import ast
import statistics
import time
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from rewardlab.models import lm
from rewardlab.runs.config import default_config
from rewardlab.runs.prepare import Run, prepare

REWARD = "outcome('correct') | center_by_group() | broadcast_to_tokens()"
USUAL = ("reference()", "critic()", "implicit()", "teacher()", "moving_reference()")


class Stepping(NamedTuple):
    """A run that is ready to iterate."""

    run: Run
    frozen: dict[str, Any]
    iterate: Any  # compiled
    megabytes: dict[str, float]


def main() -> None:
    """Measures each word against none, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("size", choices=("S", "M"))
    parser.add_argument("words", nargs="*", default=USUAL)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--devices", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], help="KEY=VALUE")
    args = parser.parse_args()
    table = Table("scorer", "s an iteration", "without", "adds", "MB", "without")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        shown = progress.add_task("", total=len(args.words) * args.steps)
        for word in args.words:
            progress.update(shown, description=word)
            both = [begun(args, text) for text in (word, "")]
            seconds = in_turns(*both, args.steps, lambda: progress.advance(shown))
            table.add_row(word, *row(both, seconds))
    Console().print(table)


def begun(args: argparse.Namespace, scorers: str) -> tuple[Stepping, Any]:
    """A run with these scorers, its iteration compiled, and its first state."""
    config = default_config()
    config.update({"reward": REWARD, "updates": "", "scorers": scorers})
    config.loss = "clipped(0.2) | token_mean()"
    config.model.name, config.mesh.devices = args.size, args.devices
    for pair in args.set:
        key, _, value = pair.partition("=")
        config.update_from_flattened_dict({key: ast.literal_eval(value)})
    run = prepare(config, Path())
    base = run.driver.part(lm.init(run.program.model, run.key))
    models = {
        name: run.driver.part(lm.init(role.model, run.key))
        for name, role in run.program.frozen.roles.items()
    }
    frozen, hp = run.program.frozen.of(base, models), run.program.hp
    state = run.program.init(base, run.rollout, run.key, hp, models)
    compiled = run.program.iterate.lower(state, *rest(run, frozen, 0)).compile()
    plan = compiled.memory_analysis()
    sizes = {
        "arguments": plan.argument_size_in_bytes / 1e6,
        "meanwhile": plan.temp_size_in_bytes / 1e6,
    }
    return Stepping(run, frozen, compiled, sizes), state


def rest(run: Run, frozen: dict[str, Any], step: int) -> tuple[Any, ...]:
    """The arguments of an iteration after its state."""
    count = run.config.rollout.num_prompts
    rows = (np.arange(count) + step * count) % run.problems.size
    batch = run.problems.take(rows).on_device
    return frozen, batch, run.key, jnp.asarray(step), run.program.hp


def in_turns(one: Any, other: Any, steps: int, tell: Any) -> list[list[float]]:
    """Seconds of each iteration of both, the first of each left out."""
    runs, states = zip(one, other, strict=True)
    seconds: list[list[float]] = [[], []]
    now = list(states)
    for step in range(steps + 1):
        for i, it in enumerate(runs):
            began = time.perf_counter()
            now[i], *_ = it.iterate(now[i], *rest(it.run, it.frozen, step))
            jax.block_until_ready(now[i])
            if step:
                seconds[i].append(time.perf_counter() - began)
        if step:
            tell()
    return seconds


def row(both: list[Any], seconds: list[list[float]]) -> list[str]:
    """Medians, the middle half of the neighbouring ratios, and memory."""
    shares = [a / b - 1 for a, b in zip(*seconds, strict=True)]
    middle = statistics.median(shares)
    spread = np.percentile(shares, [25, 75])
    times = [f"{statistics.median(x):.3f}" for x in seconds]
    adds = f"{middle:+.0%} ({spread[0]:+.0%} to {spread[1]:+.0%})"
    memory = [f"{sum(x.megabytes.values()):.0f}" for x, _ in both]
    return [*times, adds, *memory]


if __name__ == "__main__":
    main()
