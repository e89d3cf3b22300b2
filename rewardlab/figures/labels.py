"""Names at the ends of curves, where they fit: a reader need not look them up."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from rewardlab.figures.curves import Curve
from rewardlab.figures.looks import TYPE, Look
from rewardlab.system.printable import one_line

MOST = 5  # curves that are named at their ends
HEIGHT, LETTER = 1.15, 0.58  # of a name and of its letters, in sizes of the type
AWAY = 5.0  # points from the end of a curve
SHARE = 0.4  # of a panel's width that names may take at its right
DARKER = 0.7  # yellow is no colour for letters
FINE = 400  # points of a curve that are looked at, at least
Pixels = Float[np.ndarray, "points xy"]


class Drawn(NamedTuple):
    """A panel, and the curves in it by name."""

    axes: Axes
    curves: Mapping[str, Curve]


class Box(NamedTuple):
    """Where a name would stand, in pixels."""

    left: float
    right: float
    low: float
    high: float

    def touches(self, other: "Box") -> bool:
        """Whether two names overlap."""
        beside = self.left < other.right and other.left < self.right
        return beside and self.low < other.high and other.low < self.high

    def holds(self, line: Pixels) -> bool:
        """Whether a curve goes through."""
        x, y = line.T
        inside = (x > self.left) & (x < self.right) & (y > self.low) & (y < self.high)
        return bool(inside.any())


def name_ends(
    figure: Figure, panels: Sequence[Drawn], looks: Mapping[str, Look]
) -> bool:
    """Names the curves of every panel where no name touches another or a curve.

    False, and nothing is done, where no panel has such room for the names of all arms,
    or there are more than `MOST`: then a legend is needed.
    """
    if not 2 <= len(looks) <= MOST:
        return False
    figure.draw_without_rendering()  # where ends lie is known after the layout
    fits = [panel for panel in panels if panel.curves and _fits(figure.dpi, panel)]
    if not any(panel.curves.keys() == looks.keys() for panel in fits):
        return False
    for axes, curves in fits:
        for name, curve in curves.items():
            axes.annotate(
                one_line(name),
                (curve.at[-1], curve.mean[-1]),
                (AWAY, 0),
                textcoords="offset points",
                va="center",
                color=[DARKER * x for x in to_rgb(looks[name].color)],
                annotation_clip=False,
            )
    return True


def _fits(dpi: float, panel: Drawn) -> bool:
    """Whether the names of a panel touch neither one another nor a curve."""
    pixel = dpi / 72 * TYPE
    frame = panel.axes.get_window_extent()
    lines = {name: _pixels(panel.axes, curve) for name, curve in panel.curves.items()}
    boxes = []
    for name, line in lines.items():
        x, y = line[-1]
        left, half = x + AWAY * dpi / 72, HEIGHT * pixel / 2
        width = len(one_line(name)) * LETTER * pixel
        boxes.append(Box(left, left + width, y - half, y + half))
    room = frame.x1 + SHARE * frame.width
    inside = all(
        frame.y0 <= (box.low + box.high) / 2 <= frame.y1 and box.right <= room
        for box in boxes
    )
    free = not any(box.holds(line) for box in boxes for line in lines.values())
    apart = not any(a.touches(b) for i, a in enumerate(boxes) for b in boxes[:i])
    return inside and free and apart


def _pixels(axes: Axes, curve: Curve) -> Pixels:
    """Points of a curve, close enough that none is missed between two."""
    ends = axes.transData.transform(np.stack([curve.at, curve.mean], axis=1))
    whole = np.arange(len(ends))
    fine = np.linspace(0, len(ends) - 1, FINE + 4 * len(ends))
    return np.stack([np.interp(fine, whole, x) for x in ends.T], axis=1)
