"""The table of a grid: every cell's mean over seeds with its interval, and what the
paired differences allow to say. As Markdown, CSV or LaTeX."""

import csv
import io
import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from rewardlab.analysis.statistics import (
    Comparison,
    Interval,
    Range,
    bootstrap,
    compare,
    holm,
    interquartile_mean,
    probability_of_improvement,
    student,
)
from rewardlab.results.numbers import (
    Numbers,
    Seeds,
    measures_of,
    numbers_of,
    range_of,
)
from rewardlab.results.reading import Results


class Difference(NamedTuple):
    """Two cells compared by one measure over the seeds that both have."""

    measure: str
    ours: str
    theirs: str
    comparison: Comparison
    p: float  # Holm's, over the cells that this measure was compared in
    seeds: int

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
        return said


class Table(NamedTuple):
    """The numbers of a grid, and the differences of all cells to the first."""

    numbers: Numbers
    within: dict[str, Range]
    differences: tuple[Difference, ...]

    @property
    def measures(self) -> tuple[str, ...]:
        return tuple(self.within)

    @property
    def seeds(self) -> int:
        return max(
            (len(x) for row in self.numbers.values() for x in row.values()), default=0
        )

    def interval(self, label: str, measure: str) -> Interval | None:
        """Student's, over the seeds that have the number; None for fewer than two."""
        values = finite(self.numbers[label][measure])
        return student(values, within=self.within[measure]) if len(values) > 1 else None


def table_of(
    results: Results, measures: Sequence[str] = (), reach: float | None = None
) -> Table:
    """The table of a grid's runs as they are now; `measures` untold are the grid's."""
    reach = results.grid.get("reach") if reach is None else reach
    return table(numbers_of(results, measures or measures_of(results), reach))


def table(numbers: Numbers) -> Table:
    """The table of these numbers; its differences are corrected by Holm's method, for
    each measure over the cells that are compared."""
    first, *others = numbers
    within = {measure: range_of(measure, numbers) for measure in numbers[first]}
    found: list[Difference] = []
    for measure, where in within.items():
        pairs = [
            (x, *both(numbers[x][measure], numbers[first][measure])) for x in others
        ]
        pairs = [(x, a, b) for x, a, b in pairs if len(a) > 1]
        compared = [compare(a, b, (x, first), where) for x, a, b in pairs]
        adjusted = holm(np.array([c.p for c in compared]))
        for (label, ours, _), one, p in zip(pairs, compared, adjusted, strict=True):
            found.append(Difference(measure, label, first, one, float(p), len(ours)))
    order = {label: i for i, label in enumerate(numbers)}
    found.sort(key=lambda d: order[d.ours])
    return Table(numbers, within, tuple(found))


def finite(values: Seeds) -> Seeds:
    """The seeds that have the number."""
    return values[np.isfinite(values)]


def both(a: Seeds, b: Seeds) -> tuple[Seeds, Seeds]:
    """The values of the seeds that have both numbers."""
    there = np.isfinite(a) & np.isfinite(b)
    return a[there], b[there]


def cell(values: Seeds, within: Range) -> str:
    """A mean with its interval, if there is more than one seed.

    Where a seed has no value, how many have.
    """
    there = finite(values)
    lacks = (
        "" if len(there) == len(values) else f" ({len(there)} of {len(values)} seeds)"
    )
    if not len(there):
        return f"0 of {len(values)} seeds"
    form = "{:.3f}" if np.abs(there).max() < 10 else "{:.1f}"
    if len(there) == 1:
        return form.format(there[0]) + lacks
    mean, low, high = map(form.format, student(there, within=within))
    return f"{mean} [{low}, {high}]{lacks}"


def markdown(table: Table) -> str:
    """A row a cell, then what the paired differences over seeds allow to say."""
    lines = ["| arm | " + " | ".join(table.measures) + " |"]
    lines.append("|---" * (len(table.measures) + 1) + "|")
    for label, values in table.numbers.items():
        cells = [cell(x, table.within[measure]) for measure, x in values.items()]
        name = label.replace("|", "\\|").replace("`", "'")
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    said = [f"- {d.measure}: {d.verdict}" for d in table.differences]
    if table.seeds == 1:
        said = list(_single(table))
    return "\n".join([*lines, "", *said, *([""] if said else []), note(table)])


def _single(table: Table) -> Iterator[str]:
    first, *others = table.numbers
    for label, measure in itertools.product(others, table.measures):
        gap = table.numbers[label][measure][0] - table.numbers[first][measure][0]
        if np.isfinite(gap):
            yield f"- {measure}: {label} - {first} = {gap:.3f}, 1 seed"


def note(table: Table) -> str:
    """What the intervals and verdicts of the table are."""
    if table.seeds < 2:
        return "one seed: no interval, and no winner"
    said = "Student's 95 % interval over seeds; that of a share is cut to [0, 1]"
    several = len(table.numbers) > 2
    return said + "; winners are named after Holm's correction" * several


FIELDS = (
    "arm measure seeds mean low high iqm bootstrap_low bootstrap_high versus difference"
    " difference_low difference_high p holm_p improvement winner"
).split()


def comma_separated(table: Table) -> str:
    """A line for each cell and measure, with all that is known of it."""
    out = io.StringIO()
    writer = csv.DictWriter(out, FIELDS, lineterminator="\n")
    writer.writeheader()
    against = {(d.ours, d.measure): d for d in table.differences}
    for label, measure in itertools.product(table.numbers, table.measures):
        values = finite(table.numbers[label][measure])
        row: dict[str, object] = {
            "arm": label,
            "measure": measure,
            "seeds": len(values),
        }
        if len(values):
            row |= {"mean": values.mean(), "iqm": interquartile_mean(values)}
        if (interval := table.interval(label, measure)) is not None:
            drawn = bootstrap(values)
            row |= {"low": interval.low, "high": interval.high}
            row |= {"bootstrap_low": drawn.low, "bootstrap_high": drawn.high}
        if difference := against.get((label, measure)):
            row |= _compared(table, difference)
        writer.writerow(row)
    return out.getvalue()


def _compared(table: Table, of: Difference) -> dict[str, object]:
    gap = of.comparison.difference
    ours, theirs = (table.numbers[x][of.measure] for x in (of.ours, of.theirs))
    chance = probability_of_improvement(*both(ours, theirs))
    return {
        "versus": of.theirs,
        "difference": gap.mean,
        "difference_low": gap.low,
        "difference_high": gap.high,
        "p": of.comparison.p,
        "holm_p": of.p,
        "improvement": chance.mean,
        "winner": of.winner or "",
    }


_LATEX = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "\\": "\\textbackslash{}",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
}


def latex(table: Table) -> str:
    """A `tabular` for booktabs: mean and interval in two lines of small type."""
    escape = lambda text: "".join(_LATEX.get(c, c) for c in text)  # noqa: E731
    columns = "l" + "r" * len(table.measures)
    lines = [
        f"% {note(table)}; {table.seeds} seeds",
        f"\\begin{{tabular}}{{{columns}}}",
        "\\toprule",
        " & ".join(["arm", *map(escape, table.measures)]) + " \\\\",
        "\\midrule",
    ]
    for label, values in table.numbers.items():
        cells = [cell(x, table.within[m]) for m, x in values.items()]
        lines.append(" & ".join([escape(label), *map(escape, cells)]) + " \\\\")
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}"]) + "\n"
