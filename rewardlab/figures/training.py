"""Curves of training: what is paid, what is true, and how the policy writes."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rewardlab.figures.curves import Curve, curve_over
from rewardlab.figures.labels import Drawn, name_ends
from rewardlab.figures.looks import (
    FAINT,
    WIDTHS,
    Look,
    columns_of,
    frame,
    legend,
    looks_of,
    panels_on,
    save,
    style,
    wrapped,
)
from rewardlab.figures.panels import Arms, Panel, panels_of

TICKS = {"step": "step", "episodes": "episodes", "tokens": "tokens of the policy"}


class Plot(NamedTuple):
    """A figure, and what it shows."""

    figure: Figure
    title: str
    caption: str


def training(
    arms: Arms,
    by: str = "step",
    width: float = WIDTHS[""],
    measures: Sequence[str] = (),
) -> Plot | None:
    """Every arm in a panel for each number that there is, over `by`, one of `AXES`.

    None where there is no number to draw.
    """
    panels = panels_of(arms, measures)
    if not panels:
        return None
    looks = looks_of([*arms])
    figure, places = panels_on(width, len(panels), 1.6 if width > 5 else 1.35)
    below = len(panels) - columns_of(len(panels), width)
    windows: set[int] = {1}
    seeds: dict[str, int] = {}
    ends = []
    for n, (axes, panel) in enumerate(zip(places, panels, strict=True)):
        frame(axes, panel.title, panel.unit)
        axes.set_xlabel(TICKS[by] if n >= below else "", color=FAINT)
        lines = _in_panel(axes, arms, looks, panel, by)
        windows |= {line.window for line in lines.values()}
        seeds |= {label: line.seeds for label, line in lines.items()}
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=by == "step"))
        axes.set_ylim(*((-0.02, 1.02) if panel.share else limits(lines.values())))
        ends.append(Drawn(axes, lines))
    said = _caption(windows, seeds, name_arms(figure, ends, looks, seeds))
    title = "What is trained on, what is true, and how the policy writes"
    return Plot(figure, title, said)


def name_arms(
    figure: Figure,
    ends: Sequence[Drawn],
    looks: Mapping[str, Look],
    seeds: Mapping[str, int],
) -> bool:
    """Whether arms are named at the ends of their curves; else there is a legend."""
    shown = {label: looks[label] for label in seeds}
    named = name_ends(figure, ends, shown)
    if not named:
        legend(figure, looks, seeds)
    return named


def picture(plot: Plot, file: Path) -> Path:
    """A PNG by itself, with its caption below."""
    width, height = plot.figure.get_size_inches()
    text = wrapped(plot.caption, int(width * 17))
    plot.figure.set_size_inches(width, height + 0.15 * (1 + text.count("\n")))
    plot.figure.supxlabel(text, x=0.01, ha="left", fontsize=7, color=FAINT)
    return save(plot.figure, file)


def draw_training(arms: Arms, file: Path, measures: Sequence[str] = ()) -> Path | None:
    """The curves of training as a PNG by itself; None where there are none."""
    with style():
        plot = training(arms, measures=measures)
        return picture(plot, file) if plot else None


def _caption(windows: set[int], seeds: Mapping[str, int], named: bool) -> str:
    smooth = f"running means of {max(windows)} steps" if max(windows) > 1 else "means"
    counts = sorted({*seeds.values()})
    if counts == [1]:
        said = f"Lines are {smooth} of one seed"
    else:
        many = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        behind = many if named else "as many as stand behind each arm"
        said = f"Lines are {smooth} over seeds, {behind}; bands are Student’s 95 % "
        said += "intervals over them, cut where a panel ends"
    return said + "; open marks are held-out problems."


def _in_panel(
    axes: Axes, arms: Arms, looks: Mapping[str, Look], panel: Panel, by: str
) -> dict[str, Curve]:
    """Draws every arm that has numbers, and gives what was drawn."""
    found = {}
    for nth, (label, runs) in enumerate(arms.items()):
        line = curve_over(runs, panel.name, by, panel.share)
        dots = curve_over(runs, panel.dots, by, panel.share) if panel.dots else None
        if line is not None:
            draw_line(axes, line, looks[label], nth)
        if dots is not None:
            draw_dots(axes, dots.at, dots.mean, looks[label])
        if (drawn := line or dots) is not None:
            found[label] = drawn
    return found


def limits(lines: Iterable[Curve]) -> tuple[float, float]:
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


def draw_line(axes: Axes, line: Curve, look: Look, nth: int) -> None:
    """The mean with its band; markers begin at another place for each arm."""
    count = len(line.at)
    every = max(1, count // 4)
    how = {**look._asdict(), "markersize": 3, "markevery": (nth % every, every)}
    axes.plot(line.at, line.mean, **how)
    if line.seeds > 1:
        axes.fill_between(
            line.at, line.low, line.high, color=look.color, alpha=0.13, linewidth=0
        )


def draw_dots(axes: Axes, at: Any, values: Any, look: Look) -> None:
    """Means of what is measured now and then: open marks."""
    size: dict[str, Any] = {"markersize": 4, "mfc": "white", "mew": 0.9}
    axes.plot(at, values, look.marker, color=look.color, **size)
