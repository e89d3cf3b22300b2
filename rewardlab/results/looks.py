"""How figures of a grid look: sizes, type, and what tells its arms apart."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from rewardlab.runs.plots import COLOURS, FAINT, INK
from rewardlab.system.printable import one_line

FORMATS = ("svg", "pdf", "png")
WIDTH = 6.9  # inches: both columns of a page
TYPE = 7.5  # points
STYLE: Any = {  # its keys are literals to a type checker
    "font.size": TYPE,
    "axes.titlesize": TYPE + 0.5,
    "axes.labelsize": TYPE,
    "legend.fontsize": TYPE,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "lines.linewidth": 1.2,
    "pdf.fonttype": 42,  # letters that an editor can select
    "svg.hashsalt": "rewardlab",  # the same figure is the same file
    "text.parse_math": False,  # a name may have dollars
}
DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (5, 1.2, 1, 1.2)))
MARKERS = "os^DvPX"
# A date would make of the same figure another file.
_UNDATED: dict[str, dict[str, None]] = {
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
    "png": {},
}


class Look(NamedTuple):
    """A colour, a dash and a marker: two arms share one of them at most."""

    color: str
    linestyle: Any
    marker: str


def looks_of(labels: Sequence[str]) -> dict[str, Look]:
    """By label. Neighbours differ in all three; 28 arms are told apart."""
    n = len(COLOURS)
    return {
        label: Look(
            COLOURS[i % n],
            DASHES[(i + i // n) % len(DASHES)],
            MARKERS[(i + i // n) % len(MARKERS)],
        )
        for i, label in enumerate(labels)
    }


def panels_on(figure: Figure, count: int) -> list[Axes]:
    """Room for panels, three in a row."""
    columns = min(3, count) if count != 4 else 2
    rows = -(-count // columns)
    return [figure.add_subplot(rows, columns, i + 1) for i in range(count)]


def frame(axes: Axes, title: str, unit: str) -> None:
    """Title and unit above, lines of the grid behind."""
    axes.set_title(title, loc="left", weight="bold", color=INK)
    axes.set_ylabel(unit, color=FAINT)
    axes.grid(axis="y", color="#e8e8e8", linewidth=0.6)
    axes.tick_params(colors=FAINT, length=2)
    axes.spines[["left", "bottom"]].set_color("#bbbbbb")
    axes.yaxis.set_major_locator(MaxNLocator(5))


def legend(figure: Figure, looks: Mapping[str, Look], seeds: Mapping[str, int]) -> None:
    """Above the panels: every arm, and how many seeds it has."""
    lines = [
        Line2D([], [], markersize=3.5, **looks[label]._asdict()) for label in seeds
    ]
    named = [f"{one_line(label)} ({n})" for label, n in seeds.items()]
    longest = max(map(len, named), default=1)
    columns = max(1, min(len(named), 110 // (longest + 8)))
    figure.legend(lines, named, loc="outside upper left", ncols=columns, frameon=False)


def write(figure: Figure, folder: Path, name: str) -> tuple[Path, ...]:
    """The files of a figure, one a format."""
    folder.mkdir(parents=True, exist_ok=True)
    files = tuple(folder / f"{name}.{kind}" for kind in FORMATS)
    for file, kind in zip(files, FORMATS, strict=True):
        figure.savefig(file, metadata=_UNDATED[kind], dpi=220)
    return files


def style() -> Any:
    """The context in which all of this is drawn."""
    return matplotlib.rc_context(STYLE)
