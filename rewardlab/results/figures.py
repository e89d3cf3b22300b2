"""The figures of a grid for a paper: PDF, SVG and PNG, for a page and for a column.

Bands and bars are the intervals that the table has. Arms that lie on one another differ
in dash and marker besides their colour; names stand at the ends of curves where they
fit, else in a legend above.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from rewardlab.figures.curves import AXES, Trained
from rewardlab.figures.looks import (
    FAINT,
    WIDTHS,
    Look,
    frame,
    legend,
    looks_of,
    panels_on,
    style,
    wrapped,
    write,
)
from rewardlab.figures.overoptimization import overoptimization
from rewardlab.figures.panels import Arms
from rewardlab.figures.training import Plot, picture, training
from rewardlab.results.cells import finite
from rewardlab.results.numbers import episodes_at
from rewardlab.results.reading import Results, RunResult
from rewardlab.results.sweeps import Sweep, sweeps
from rewardlab.results.tables import Table
from rewardlab.system.printable import one_line

Make = Callable[[float], Plot | None]  # of a width in inches


class Drawn(NamedTuple):
    """A figure: its name, what is seen in it, and its files by the end of their names:
    for a page (""), and for a column; SVG, PDF, PNG."""

    title: str
    caption: str
    files: Mapping[str, tuple[Path, ...]]


def figures(results: Results, table: Table, folder: Path, by: str) -> list[Drawn]:
    """Draws what the runs have numbers for: curves, the proxy and the truth over the
    KL, last values, a swept coefficient.

    `by` is what curves are drawn over, one of `AXES`; `ValueError` for another.
    """
    if by not in AXES:
        raise ValueError(f"no axis {by!r} for curves; have {', '.join(AXES)}")
    with style():
        found = [_in_widths(m, folder, name) for name, m in _makes(results, table, by)]
    return [drawn for drawn in found if drawn]


def pictures(results: Results, table: Table, file: Path) -> None:
    """The curves of all cells as a PNG with its caption; beside it, with
    `overoptimization` in place of `learning_curves`, what is paid and what is true."""
    over = file.name.replace("learning_curves", "overoptimization")
    names = {"curves": file, "overoptimization": file.with_name(over)}
    with style():
        for name, make in _makes(results, table, "step"):
            if name in names and (plot := make(WIDTHS[""])):
                picture(plot, names[name])


def arms_of(results: Results) -> Arms:
    """The runs of each cell as they are drawn."""
    return {
        label: [_trained(run) for run in runs.values() if run.rows]
        for label, runs in results.cells.items()
    }


def _trained(run: RunResult) -> Trained:
    if "rollout" not in run.config:
        return Trained(run.rows)
    return Trained(run.rows, functools.partial(episodes_at, run))


def _makes(results: Results, table: Table, by: str) -> Iterator[tuple[str, Make]]:
    arms, measures = arms_of(results), table.measures
    yield "curves", lambda width: training(arms, by, width, measures)
    yield "overoptimization", lambda width: overoptimization(arms, width)
    if measures:
        yield "last", lambda width: _last(table, width)
        for sweep in (x for x in sweeps(results, table) if x.of_numbers):
            safe = "".join(c if c.isalnum() else "_" for c in sweep.axis)
            yield f"sweep_{safe}", functools.partial(_sweep, sweep, table)


def _in_widths(make: Make, folder: Path, name: str) -> Drawn | None:
    plots = {end: make(width) for end, width in WIDTHS.items()}
    page = plots[""]
    if page is None:
        return None
    files = {
        end: write(plot.figure, folder, f"{name}{end}")
        for end, plot in plots.items()
        if plot is not None
    }
    return Drawn(page.title, page.caption, files)


def _last(table: Table, width: float) -> Plot:
    """Last values: a point with the table's interval, and each seed as a ring."""
    labels = [*table.numbers]
    looks = looks_of(labels)
    measures = table.measures[: 3 if width > 5 else 2]
    names = [wrapped(label, int(width * 5)) for label in reversed(labels)]
    height = 0.13 * sum(1 + name.count("\n") for name in names) + 0.1 * len(names)
    figure, panels = panels_on(width, len(measures), height, 0.65)
    for axes, measure in zip(panels, measures, strict=True):
        frame(axes, measure, "")
        axes.grid(visible=False)
        axes.grid(axis="x", color="#e8e8e8", linewidth=0.6)
        for place, label in enumerate(reversed(labels)):
            _interval(axes, table, label, measure, place, looks[label])
        axes.set_yticks(range(len(labels)), names if axes is panels[0] else [])
        axes.set_ylim(-0.6, len(labels) - 0.4)
        axes.xaxis.set_major_locator(MaxNLocator(4 if width > 5 else 3))
    said = "Means with Student’s 95 % intervals, as in the table; rings are the seeds."
    return Plot(figure, "Last held-out values", said)


def _interval(
    axes: Axes, table: Table, label: str, measure: str, at: float, look: Look
) -> None:
    values = finite(table.numbers[label][measure])
    axes.plot(
        values,
        np.full(len(values), at),
        "o",
        color=look.color,
        markersize=3,
        mfc="none",
        mew=0.6,
        alpha=0.7,
    )
    interval = table.interval(label, measure)
    if interval is not None:
        axes.plot([interval.low, interval.high], [at, at], color=look.color)
        axes.plot(interval.mean, at, look.marker, color=look.color, markersize=4.5)


def _sweep(sweep: Sweep, table: Table, width: float) -> Plot:
    """Last values over a coefficient, a line for each arm and its other axes."""
    lines = {
        name: {float(value): label for value, label in of.items()}
        for name, of in sweep.lines.items()
    }
    looks = looks_of([*lines])
    measures = table.measures[: 3 if width > 5 else 2]
    figure, panels = panels_on(width, len(measures), 1.7, 0.2)
    for axes, measure in zip(panels, measures, strict=True):
        frame(axes, measure, "")
        axes.set_xlabel(one_line(sweep.axis), color=FAINT)
        for name, of in lines.items():
            _over(axes, table, measure, dict(sorted(of.items())), looks[name])
        if _logarithmic([x for of in lines.values() for x in of]):
            axes.set_xscale("log")
    legend(figure, looks, {name: table.seeds for name in lines})
    said = "Means with Student’s 95 % intervals over seeds, as in the table."
    return Plot(figure, f"Last held-out values over {one_line(sweep.axis)}", said)


def _over(
    axes: Axes, table: Table, measure: str, of: Mapping[float, str], look: Look
) -> None:
    means = {x: finite(table.numbers[label][measure]) for x, label in of.items()}
    there = {x: values.mean() for x, values in means.items() if len(values)}
    axes.plot([*there], [*there.values()], markersize=4, **look._asdict())
    for x, label in of.items():
        interval = table.interval(label, measure)
        if interval is not None:
            axes.plot([x, x], [interval.low, interval.high], color=look.color)


def _logarithmic(values: list[float]) -> bool:
    """Whether values are spread over more than an order of magnitude."""
    return min(values) > 0 and max(values) / min(values) > 20
