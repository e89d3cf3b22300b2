"""The figures of a grid for a paper: PDF, SVG and PNG, as wide as two columns of it.

Bands and bars are the intervals that the table has. Arms that lie on one another differ
in dash and marker besides their colour, and every arm says how many seeds it has.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rewardlab.results.cells import finite
from rewardlab.results.curves import AXES, Curve, curve_over
from rewardlab.results.looks import (
    WIDTH,
    Look,
    frame,
    legend,
    looks_of,
    panels_on,
    style,
    write,
)
from rewardlab.results.reading import Results, RunResult
from rewardlab.results.sweeps import Sweep, sweeps
from rewardlab.results.tables import Table
from rewardlab.runs.overoptimization import PROXIES
from rewardlab.runs.plots import FAINT, PANELS, Panel
from rewardlab.system.printable import one_line

PROXY = ("rewards/prm/mean", *PROXIES)  # what is learned from and is not the truth
TICKS = {"step": "step", "episodes": "episodes", "tokens": "tokens of the policy"}
Cells = Mapping[str, Mapping[int, RunResult]]


class Drawn(NamedTuple):
    """A figure: its name, what is seen in it, and its files: SVG, PDF, PNG."""

    title: str
    caption: str
    files: tuple[Path, ...]


def figures(results: Results, table: Table, folder: Path, by: str) -> list[Drawn]:
    """Draws what the runs have numbers for: curves, last values, a swept coefficient.

    `by` is what curves are drawn over, one of `AXES`; `ValueError` for another.
    """
    if by not in AXES:
        raise ValueError(f"no axis {by!r} for curves; have {', '.join(AXES)}")
    looks = looks_of([*results.cells])
    with style():
        found = [_curves(results.cells, looks, folder, by)]
        if table.measures:
            found.append(_last(table, looks, folder))
            swept = [x for x in sweeps(results, table) if x.of_numbers]
            found += [_sweep(sweep, table, folder) for sweep in swept]
    return [drawn for drawn in found if drawn]


def _panels(cells: Cells) -> list[Panel]:
    """What is trained on, the proxy and the truth apart, then how the policy writes."""
    rows = [row for runs in cells.values() for run in runs.values() for row in run.rows]
    known = {name for row in rows for name, x in row.items() if x is not None}
    reward, truth, *others = PANELS
    proxy = [Panel("Proxy", "a completion", n) for n in PROXY if n in known][:1]
    return [p for p in (reward, *proxy, truth, *others) if p.name in known][:6]


def _curves(
    cells: Cells, looks: Mapping[str, Look], folder: Path, by: str
) -> Drawn | None:
    panels = _panels(cells)
    if not panels:
        return None
    rows = -(-len(panels) // 3)
    figure = Figure(figsize=(WIDTH, 1.75 * rows + 0.5), layout="constrained")
    windows: set[int] = {1}
    seeds: dict[str, int] = {}
    for axes, panel in zip(panels_on(figure, len(panels)), panels, strict=True):
        frame(axes, panel.title, panel.unit)
        axes.set_xlabel(TICKS[by], color=FAINT)
        lines = _in_panel(axes, cells, looks, panel, by)
        windows |= {line.window for line in lines.values()}
        seeds |= {label: line.seeds for label, line in lines.items()}
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=by == "step"))
        axes.set_ylim(*((-0.02, 1.02) if panel.share else _limits(lines.values())))
    legend(figure, looks, seeds)
    smooth = f"running means of {max(windows)} steps" if max(windows) > 1 else "means"
    said = f"Lines are {smooth} over the seeds, how many stands behind each arm; bands "
    said += "are Student’s 95 % intervals over them, cut where a panel ends; dots are "
    said += "held-out problems."
    return Drawn(
        "What is trained on, what is true, and how the policy writes",
        said,
        write(figure, folder, "curves"),
    )


def _in_panel(
    axes: Axes, cells: Cells, looks: Mapping[str, Look], panel: Panel, by: str
) -> dict[str, Curve]:
    """Draws every arm that has numbers, and gives what was drawn."""
    found = {}
    for nth, (label, runs) in enumerate(cells.items()):
        of = list(runs.values())
        line = curve_over(of, panel.name, by, panel.share)
        if line is not None:
            _line(axes, line, looks[label], nth)
            found[label] = line
        dots = curve_over(of, panel.dots, by, panel.share) if panel.dots else None
        if dots is not None:
            _dots(axes, dots, looks[label])
    return found


def _limits(lines: Iterable[Curve]) -> tuple[float, float]:
    """Around the means: bands of two seeds are so wide that nothing else was seen."""
    known = list(lines)
    least, most = (f([f(x.mean) for x in known]) for f in (np.min, np.max))
    room = 0.4 * (most - least) or 0.1 * abs(most) or 1.0
    low = max(
        least - room, min(np.min([np.min(x.low) for x in known]), least - room / 8)
    )
    high = min(
        most + room, max(np.max([np.max(x.high) for x in known]), most + room / 8)
    )
    return float(max(low, 0.0) if least >= 0 else low), float(high)


def _line(axes: Axes, line: Curve, look: Look, nth: int) -> None:
    """The mean with its band; markers begin at another place for each arm."""
    count = len(line.at)
    every = max(1, count // 4)
    how = {**look._asdict(), "markersize": 3, "markevery": (nth % every, every)}
    axes.plot(line.at, line.mean, **how)
    if line.seeds > 1:
        axes.fill_between(
            line.at, line.low, line.high, color=look.color, alpha=0.13, linewidth=0
        )


def _dots(axes: Axes, dots: Curve, look: Look) -> None:
    size: dict[str, Any] = {"markersize": 4, "mfc": "white", "mew": 0.9}
    axes.plot(dots.at, dots.mean, look.marker, color=look.color, **size)


def _last(table: Table, looks: Mapping[str, Look], folder: Path) -> Drawn:
    """Last values: a point with the table's interval, and each seed as a ring."""
    measures = table.measures[:3]
    labels = [*table.numbers]
    figure = Figure(figsize=(WIDTH, 0.21 * len(labels) + 0.75), layout="constrained")
    panels = panels_on(figure, len(measures))
    for axes, measure in zip(panels, measures, strict=True):
        frame(axes, one_line(measure), "")
        axes.grid(visible=False)
        axes.grid(axis="x", color="#e8e8e8", linewidth=0.6)
        for place, label in enumerate(reversed(labels)):
            _interval(axes, table, label, measure, place, looks[label])
        names = [one_line(x) for x in reversed(labels)] if axes is panels[0] else []
        axes.set_yticks(range(len(labels)), names or [""] * len(labels))
        axes.set_ylim(-0.6, len(labels) - 0.4)
        axes.xaxis.set_major_locator(MaxNLocator(4))
    said = "Means with Student’s 95 % intervals, as in the table; rings are the seeds."
    return Drawn("Last held-out values", said, write(figure, folder, "last"))


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


def _sweep(sweep: Sweep, table: Table, folder: Path) -> Drawn:
    """Last values over a coefficient, a line for each arm and its other axes."""
    lines = {
        name: {float(value): label for value, label in of.items()}
        for name, of in sweep.lines.items()
    }
    looks, measures = looks_of([*lines]), table.measures[:3]
    figure = Figure(figsize=(WIDTH, 2.3), layout="constrained")
    for axes, measure in zip(panels_on(figure, len(measures)), measures, strict=True):
        frame(axes, one_line(measure), "")
        axes.set_xlabel(one_line(sweep.axis), color=FAINT)
        for name, of in lines.items():
            _over(axes, table, measure, dict(sorted(of.items())), looks[name])
        if _logarithmic([x for of in lines.values() for x in of]):
            axes.set_xscale("log")
    seeds = {name: table.seeds for name in lines}
    legend(figure, looks, seeds)
    said = "Means with Student’s 95 % intervals over seeds, as in the table."
    safe = "".join(c if c.isalnum() else "_" for c in sweep.axis)
    return Drawn(
        f"Last held-out values over {one_line(sweep.axis)}",
        said,
        write(figure, folder, f"sweep_{safe}"),
    )


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
