"""How figures look: widths, type, and what tells arms apart."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from rewardlab.system.printable import one_line

FORMATS = ("svg", "pdf", "png")
WIDTHS = {"": 6.9, "_column": 3.3}  # inches: a page, a column; and the end of the name
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
# Okabe and Ito's colours, which colour-blind readers tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
INK, FAINT = "#222222", "#666666"
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


def columns_of(count: int, width: float) -> int:
    """How many panels stand in a row."""
    most = 3 if width > 5 else 2
    return 2 if count == 4 else min(most, count)


def panels_on(
    width: float, count: int, height: float = 1.75, more: float = 0.3
) -> tuple[Figure, list[Axes]]:
    """A figure with room for panels; `height` inches a row, and `more` around them."""
    columns = columns_of(count, width)
    rows = -(-count // columns)
    size = (width, height * rows + more)
    figure = Figure(figsize=size, layout="constrained", facecolor="white")
    return figure, [figure.add_subplot(rows, columns, i + 1) for i in range(count)]


def frame(axes: Axes, title: str, unit: str) -> None:
    """Title and unit, lines of the grid behind."""
    inches = axes.get_window_extent().width / axes.figure.dpi
    text = wrapped(title, int(15 * inches))
    axes.set_title(text, loc="left", weight="bold", color=INK)
    axes.set_ylabel(unit, color=FAINT)
    axes.grid(axis="y", color="#e8e8e8", linewidth=0.6)
    axes.tick_params(colors=FAINT, length=2)
    axes.spines[["left", "bottom"]].set_color("#bbbbbb")
    axes.yaxis.set_major_locator(MaxNLocator(5))


def legend(figure: Figure, looks: Mapping[str, Look], seeds: Mapping[str, int]) -> None:
    """Above the panels, every arm with its number of seeds; the figure grows by it."""
    width, height = figure.get_size_inches()
    room = int(width * 16)  # letters
    lines = [
        Line2D([], [], markersize=3.5, **looks[label]._asdict()) for label in seeds
    ]
    named = [wrapped(f"{label} ({n})", room - 8) for label, n in seeds.items()]
    longest = max(len(line) for name in named for line in name.split("\n"))
    columns = max(1, min(len(named), room // (longest + 8)))
    rows = -(-sum(1 + name.count("\n") for name in named) // columns)
    figure.set_size_inches(width, height + 0.15 * rows)
    figure.legend(lines, named, loc="outside upper left", ncols=columns, frameon=False)


def wrapped(name: str, letters: int) -> str:
    """A name in lines of as many letters at most; what nobody sees is written out."""
    return "\n".join(textwrap.wrap(one_line(name), max(letters, 8))) or " "


def write(figure: Figure, folder: Path, name: str) -> tuple[Path, ...]:
    """The files of a figure, one a format; it is laid out once for all of them."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    return tuple(save(figure, folder / f"{name}.{kind}") for kind in FORMATS)


def save(figure: Figure, file: Path) -> Path:
    """One file, in the format of its name."""
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, metadata=_UNDATED[file.suffix[1:]], dpi=220)
    return file


def style() -> Any:
    """The context in which all of this is drawn."""
    return matplotlib.rc_context(STYLE)
