"""The table of a grid: every cell's mean over seeds with its interval, and what the
paired differences allow to say. As Markdown, CSV or LaTeX."""

import csv
import io
import itertools
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from rewardlab.analysis.resampled import (
    bootstrap,
    interquartile_mean,
    probability_of_improvement,
)
from rewardlab.analysis.statistics import (
    Comparison,
    Interval,
    Range,
    compare,
    holm,
    student,
)
from rewardlab.results.cells import both, cell, finite, in_code
from rewardlab.results.latex import tabular
from rewardlab.results.numbers import Numbers, measures_of, numbers_of, range_of
from rewardlab.results.problems import MEASURE, OverProblems, paired, solved
from rewardlab.results.reading import Results


class Difference(NamedTuple):
    """Two cells compared by one measure over the seeds that both have."""

    measure: str
    ours: str
    theirs: str
    comparison: Comparison
    p: float  # Holm's, over the cells that this measure was compared in
    seeds: int
    problems: OverProblems | None = None  # the same, paired by problem

    @property
    def winner(self) -> str | None:
        """The cell that is higher after the correction; None: nobody may be named."""
        return self.comparison.winner if self.p <= 0.05 else None

    @property
    def verdict(self) -> str:
        """A sentence: who is higher, by how much, and what could have been missed."""
        said = self.comparison.verdict
        if self.comparison.winner and not self.winner:
            _, _, rest = said.partition(": ")
            return f"no winner among so many arms (Holm's p = {self.p:.3f}): {rest}"
        if self.winner and self.problems and self.problems.holds_zero:
            return f"{said}; of other problems it is not known, {self.problems}"
        return said


class Table(NamedTuple):
    """The numbers of a grid, and the differences of all cells to the first."""

    numbers: Numbers
    within: dict[str, Range]
    differences: tuple[Difference, ...]
    # Of the measure that verdicts are of, by label: the cell, and it less the first.
    solved: Mapping[str, OverProblems] = MappingProxyType({})
    paired: Mapping[str, OverProblems] = MappingProxyType({})

    @property
    def measures(self) -> tuple[str, ...]:
        return tuple(self.within)

    @property
    def seeds(self) -> int:
        return max(
            (len(x) for row in self.numbers.values() for x in row.values()), default=0
        )

    def interval(self, label: str, measure: str) -> Interval | None:
        """Student's, over the seeds that have the number; None for fewer than two, and
        where a seed never reached a score."""
        every, within = self.numbers[label][measure], self.within[measure]
        values = finite(every)
        several = len(values) > 1 and not np.isinf(every).any()
        return student(values, within=within) if several else None


def table_of(
    results: Results, measures: Sequence[str] = (), reach: float | None = None
) -> Table:
    """The table of a grid's runs as they are now; `measures` untold are the grid's."""
    reach = results.grid.get("reach") if reach is None else reach
    made = table(numbers_of(results, measures or measures_of(results), reach))
    (_, first), *others = results.cells.items()
    over = {label: solved(runs.values()) for label, runs in results.cells.items()}
    pairs = {label: paired(runs, first) for label, runs in others}
    known = {label: x for label, x in pairs.items() if x is not None}
    return made._replace(
        solved={label: x for label, x in over.items() if x is not None},
        paired=known,
        differences=tuple(
            d._replace(problems=known.get(d.ours)) if d.measure == MEASURE else d
            for d in made.differences
        ),
    )


def table(numbers: Numbers) -> Table:
    """The table of these numbers; its differences are corrected by Holm's method, for
    each measure over the cells that are compared."""
    first, *others = numbers
    within = {measure: range_of(measure, numbers) for measure in numbers[first]}
    found: list[Difference] = []
    for measure, where in within.items():
        pairs = [
            (x, *both(numbers[x][measure], numbers[first][measure]))
            for x in others
            if not np.isinf([*numbers[x][measure], *numbers[first][measure]]).any()
        ]
        pairs = [(x, a, b) for x, a, b in pairs if len(a) > 1]
        m = len(pairs)
        compared = [compare(a, b, (x, first), where, m) for x, a, b in pairs]
        adjusted = holm(np.array([c.p for c in compared]))
        for (label, ours, _), one, p in zip(pairs, compared, adjusted, strict=True):
            found.append(Difference(measure, label, first, one, float(p), len(ours)))
    order = {label: i for i, label in enumerate(numbers)}
    found.sort(key=lambda d: order[d.ours])
    return Table(numbers, within, tuple(found))


def markdown(table: Table) -> str:
    """A row a cell, then what the paired differences over seeds allow to say."""
    said = [f"- {d.measure}: {d.verdict}" for d in table.differences]
    if table.seeds == 1:
        said = list(_single(table))
    return "\n".join([cells(table), "", *said, *([""] if said else []), note(table)])


def cells(table: Table) -> str:
    """The table alone, in Markdown: a row a cell, a column a measure."""
    lines = ["| arm | " + " | ".join(table.measures) + " |"]
    lines.append("|---" * (len(table.measures) + 1) + "|")
    for label, values in table.numbers.items():
        said = [cell(x, table.within[measure]) for measure, x in values.items()]
        lines.append(f"| {in_code(label)} | " + " | ".join(said) + " |")
    return "\n".join(lines)


def _single(table: Table) -> Iterator[str]:
    first, *others = table.numbers
    for label, measure in itertools.product(others, table.measures):
        gap = table.numbers[label][measure][0] - table.numbers[first][measure][0]
        if np.isfinite(gap):
            over = table.paired.get(label) if measure == MEASURE else None
            more = f"; {over}, of these two runs alone" if over else ""
            yield f"- {measure}: {label} - {first} = {gap:.3f}, 1 seed{more}"


def note(table: Table) -> str:
    """What the intervals and verdicts of the table are."""
    if table.seeds < 2:
        return "one seed: no interval, and no winner"
    said = f"Student's 95 % interval over {table.seeds} seeds"
    said += "; that of a share is cut to [0, 1]"
    several = len(table.numbers) > 2
    return said + "; winners are named after Holm's correction" * several


FIELDS = (
    "arm measure seeds reached mean low high iqm bootstrap_low bootstrap_high problems"
    " problems_low problems_high versus difference difference_low difference_high"
    " difference_bootstrap_low difference_bootstrap_high difference_problems_low"
    " difference_problems_high p holm_p improvement improvement_low improvement_high"
    " winner"
).split()


def comma_separated(table: Table) -> str:
    """A line for each cell and measure, with all that is known of it."""
    out = io.StringIO()
    writer = csv.DictWriter(out, FIELDS, lineterminator="\n")
    writer.writeheader()
    against = {(d.ours, d.measure): d for d in table.differences}
    for label, measure in itertools.product(table.numbers, table.measures):
        row = {"arm": label, "measure": measure, **_alone(table, label, measure)}
        if difference := against.get((label, measure)):
            row |= _compared(table, difference)
        writer.writerow(row)
    return out.getvalue()


def _ends(name: str, interval: Interval) -> dict[str, object]:
    return {f"{name}low": interval.low, f"{name}high": interval.high}


def _alone(table: Table, label: str, measure: str) -> dict[str, object]:
    """What is known of a cell by itself; no mean where a seed never came so far."""
    every = table.numbers[label][measure]
    values = finite(every)
    row: dict[str, object] = {"seeds": int(np.sum(~np.isnan(every)))}
    if np.isinf(every).any():
        return row | {"reached": len(values)}
    if len(values):
        row |= {"mean": values.mean(), "iqm": interquartile_mean(values)}
    if (interval := table.interval(label, measure)) is not None:
        row |= _ends("", interval) | _ends("bootstrap_", bootstrap(values))
    if measure == MEASURE and (over := table.solved.get(label)):
        row |= {"problems": over.problems, **_ends("problems_", over.interval)}
    return row


def _compared(table: Table, of: Difference) -> dict[str, object]:
    gap = of.comparison.difference
    ours, theirs = both(*(table.numbers[x][of.measure] for x in (of.ours, of.theirs)))
    chance = probability_of_improvement(ours, theirs)
    row = {"versus": of.theirs, "difference": gap.mean, **_ends("difference_", gap)}
    row |= _ends("difference_bootstrap_", bootstrap(ours - theirs))
    if of.problems:
        row |= _ends("difference_problems_", of.problems.interval)
    row |= {"p": of.comparison.p, "holm_p": of.p, "improvement": chance.mean}
    return row | _ends("improvement_", chance) | {"winner": of.winner or ""}


def latex(table: Table) -> str:
    """A `tabular` for booktabs: a row a cell, a column a measure."""
    rows = [
        [label, *(cell(x, table.within[m]) for m, x in values.items())]
        for label, values in table.numbers.items()
    ]
    seeds = f"{table.seeds} seed{'s' * (table.seeds != 1)}"
    return tabular([f"arm ({seeds})", *table.measures], rows, note(table))
