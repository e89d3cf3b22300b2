"""What a run evaluates besides sampling and learning: its scorers, and its sampler.

The metrics `evaluations/KIND` of a step, for each of `core.evaluations.KINDS`. Equal
passes of one program count once; a backward pass is not counted. `run.json` has their
sums, and those of sampled tokens, as `spent`.
"""

import collections
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from rewardlab.core.evaluations import KINDS, Evaluation, in_iteration
from rewardlab.data.batch import Batch
from rewardlab.runs.absent import left_out
from rewardlab.runs.record import add_spent
from rewardlab.runs.switches import switches_of
from rewardlab.scorers.plan import Plan
from rewardlab.tasks import Task

SAMPLER = "sampler"


def evaluations_of(
    config: ConfigDict, task: Task, plan: Plan, problems: Batch, traced: Iterable
) -> tuple[Evaluation, ...]:
    """Those of an iteration; `traced` are what its scorers were counted to evaluate."""
    rows = config.rollout.num_prompts * config.rollout.num_generations
    asked = [s.name for s in plan.scorers if s.place == "host"]
    python = [Evaluation(name, "python_calls", rows, 0) for name in asked]
    return (*_of_sampler(config, task, plan, problems), *traced, *python)


def _of_sampler(
    config: ConfigDict, task: Task, plan: Plan, problems: Batch
) -> Iterable[Evaluation]:
    """What is read or begun anew for signals that the sampler makes."""
    own, switches = config.rollout, switches_of(config, plan)
    prompts, width = own.num_prompts, own.max_completion_length
    rows, read = prompts * own.num_generations, problems.arrays["prompts"].shape[1]
    whole = prompts * read + rows * width
    world = task.on_host if own.on_host else task.environment
    turns = world.limits.max_turns if world is not None else 1
    if switches.belief:  # the truth, after each turn
        count, truth = rows * turns, problems.arrays["truth"].shape[1]
        yield Evaluation(SAMPLER, "forwards", count, count * truth)
    if switches.exact:
        yield Evaluation(SAMPLER, "forwards", rows, whole)
    if "greedy" in plan.wanted_of(SAMPLER):
        yield Evaluation(SAMPLER, "restarts", prompts, prompts * (read + width))
    if agents := left_out(task, plan):
        yield Evaluation(SAMPLER, "restarts", agents * rows, agents * whole)
    if (tree := switches.tree) is None:
        return
    if tree.branching:  # what they write is learned from, and counted there
        branches = prompts * (own.num_generations - tree.branching.roots)
        yield Evaluation(SAMPLER, "restarts", branches, 0)
    if tree.values:
        count = rows * turns * tree.values
        yield Evaluation(SAMPLER, "restarts", count, count * width)


def times_sampled(row: Mapping[str, Any]) -> float:
    """How often a step sampled as many rows as it learned from.

    What dynamic sampling samples again counts as often as it was sampled, and rows with
    a hint besides those without.
    """
    twice = 1 + (row.get("elsewhere/frac_hinted") is not None)
    return float(row.get("refill/rounds") or 1) * twice


def in_step(
    every: Iterable[Evaluation], plan: Plan, step: int, row: Mapping[str, Any]
) -> dict[str, int]:
    """The metrics of step number `step`, from 1: scorers that `select` reads are asked
    each time that rows are sampled."""
    often, early = times_sampled(row), {SAMPLER, *(s.name for s in plan.first)}
    times = {one.by: often if one.by in early else 1 for one in every}
    found = [
        one._replace(number=round(n * one.number), tokens=round(n * one.tokens))
        for one in every
        for n in [times[one.by]]
    ]
    total = in_iteration(found, step - 1)
    return {f"evaluations/{kind}": number for kind, number in total.items()}


class Clock(NamedTuple):
    """Seconds on the wall, and those that cores have worked for this process and its
    children; what else the machine does changes the second little."""

    wall: float
    cores: float

    @classmethod
    def now(cls) -> "Clock":
        """The clock as it stands."""
        *worked, wall = os.times()
        return cls(wall, sum(worked))


class Spent:
    """What a run has spent since it was last written: seconds, and counts of steps."""

    def __init__(self, workdir: Path, began: Clock) -> None:
        self.workdir, self.since = workdir, began
        self.counts: collections.Counter[str] = collections.Counter()

    def add(self, row: Mapping[str, Any]) -> None:
        """The counts of a step."""
        self.counts["steps"] += 1
        self.counts["sampled_tokens"] += row["completions/tokens"]
        for kind in KINDS:
            self.counts[kind] += row[f"evaluations/{kind}"]

    def write(self) -> None:
        """Adds it to `run.json`, and begins anew."""
        now = Clock.now()
        seconds = {
            "seconds": now.wall - self.since.wall,
            "core_seconds": now.cores - self.since.cores,
        }
        add_spent(self.workdir, seconds, self.counts)
        self.since = now
        self.counts.clear()
