"""The checklist of a grid's arms, or of a run; nothing is written."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from rewardlab.results.reading import label_of
from rewardlab.show.checklist import alone, beside
from rewardlab.show.checklist.case import Case, cases_of, read
from rewardlab.show.checklist.items import ITEMS, MISSING, STATED, Line

FOUND: dict[str, Callable[[Case], Line]] = {
    "model": alone.model,
    "data": alone.data,
    "granularity": alone.granularity,
    "methodology": alone.family,
    "baseline": beside.baseline,
    "compute": beside.compute,
    "ablation": beside.ablation,
    "benchmarks": alone.benchmarks,
    "metric": alone.metric,
    "spread": beside.spread,
    "hours": alone.hours,
    "overhead": alone.overhead,
    "length": alone.length,
    "lengths": alone.lengths,
}


class Checked(NamedTuple):
    """An arm of a grid, or a run: a line for each of `ITEMS`."""

    name: str
    lines: dict[str, Line]

    def count(self, required: bool, state: str = STATED) -> int:
        """How many items of a level are in a state."""
        of = [x for name, x in self.lines.items() if ITEMS[name].required == required]
        return sum(line.state == state for line in of)

    @property
    def lacking(self) -> list[str]:
        """The required items that are missing."""
        named = self.lines.items()
        return [k for k, x in named if ITEMS[k].required and x.state == MISSING]


def checklist(
    run: str | os.PathLike, against: Sequence[str | os.PathLike] = ()
) -> list[Checked]:
    """The fourteen items of a run, or of each arm of a grid.

    Of an arm with several seeds the worst stands. Baseline, ablation and seeds are
    looked for among the runs of its grid and those of `against`. `ValueError` where
    there is neither a grid nor a run.

    checklist("runs/grid")[0].lines["hours"].state -> "stated"
    """
    results, others = read(Path(run))
    others += [x for folder in against for x in read(Path(folder))[0].runs]
    arms: dict[str, list[Case]] = {}
    for case in cases_of(results, others):
        arms.setdefault(case.run.label, []).append(case)
    if not arms:
        raise ValueError(f"{run} plans no run; give a grid that has some")
    return [Checked(_named(cases), _worst(cases)) for cases in arms.values()]


def _named(cases: Sequence[Case]) -> str:
    first, seeds = cases[0].run, ", ".join(str(case.run.seed) for case in cases)
    name = label_of(first.arm, first.axes)
    return f"{name}, {'seeds' if len(cases) > 1 else 'seed'} {seeds}"


def _worst(cases: Sequence[Case]) -> dict[str, Line]:
    order = (MISSING, "partly", STATED)
    lines = {}
    for name, find in FOUND.items():
        every = [(find(case), case.run.seed) for case in cases]
        line, seed = min(every, key=lambda x: order.index(x[0].state))
        alike = len({one.state for one, _ in every}) == 1
        where = "" if alike else f" (seed {seed})"
        lines[name] = line._replace(value=line.value + where)
    return lines
