"""The map of methods: what is paid apart, and by which family of methods.

A cell has the number of rows here and, below it, the survey's own methods.
"""

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from rewardlab.figures.looks import COLOURS, FAINT, INK, WIDTHS, style

_SAYS = (
    "Numbers: rows of rewardlab. Names: methods of arXiv 2604.09459, in brackets those "
    "without a row. Frames: cells occupied there. Dashes: no row."
)


class Filled(NamedTuple):
    """How many rows a cell has here, and which methods the survey puts there."""

    rows: int
    others: Sequence[str]


def map_of_cells(
    cells: Mapping[tuple[str, str], Filled],
    units: Sequence[str],
    families: Sequence[str],
) -> Figure:
    """A table of units by families, darker where there are more rows.

    A cell that the survey has occupied is framed; a name in brackets is no row here; an
    empty cell is white, with a dash.
    """
    width = WIDTHS[""]
    with style():
        figure = Figure(figsize=(width, 0.72 * len(units) + 0.55), facecolor="white")
        axes = figure.add_axes((0.105, 0.055, 0.89, 0.885))
        figure.text(0.11, 0.015, _SAYS, color=FAINT, fontsize=6)
        axes.set_xlim(0, len(families))
        axes.set_ylim(len(units), 0)
        most = max(cell.rows for cell in cells.values())
        for y, unit in enumerate(units):
            for x, family in enumerate(families):
                _cell(axes, (x, y), cells.get((unit, family), Filled(0, ())), most)
        axes.set_xticks([x + 0.5 for x in range(len(families))], families)
        axes.set_yticks([y + 0.5 for y in range(len(units))], units)
        axes.xaxis.tick_top()
        axes.tick_params(length=0, colors=INK)
        for side in axes.spines.values():
            side.set_visible(False)
    return figure


def _cell(axes: Axes, at: tuple[int, int], cell: Filled, most: int) -> None:
    x, y = at
    shade = 0.12 + 0.5 * math.log1p(cell.rows) / math.log1p(most) if cell.rows else 0
    corner, wide, tall = (x + 0.03, y + 0.05), 0.94, 0.9
    filled = Rectangle(corner, wide, tall, facecolor=COLOURS[0], alpha=shade, lw=0)
    axes.add_patch(filled)
    edge = INK if cell.others else "#dddddd"
    line = 1.1 if cell.others else 0.6
    axes.add_patch(Rectangle(corner, wide, tall, fill=False, edgecolor=edge, lw=line))
    high = y + (0.29 if cell.others else 0.5)
    said = str(cell.rows) if cell.rows else "–"
    axes.text(
        x + 0.5,
        high,
        said,
        ha="center",
        va="center",
        color=INK if cell.rows else FAINT,
        fontsize=10,
        weight="bold",
    )
    lines = textwrap.wrap(", ".join(cell.others), 24, break_on_hyphens=False)
    names = "\n".join(lines)
    axes.text(
        x + 0.5, y + 0.66, names, ha="center", va="center", color=INK, fontsize=5.5
    )
