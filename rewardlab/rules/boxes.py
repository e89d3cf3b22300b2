"""GUI-G1: a predicted box against the true one, in pixels (2505.15810).

A box is (x1, y1, x2, y2) with the second corner beyond the last pixel. The reward is
hit + 0.25 iou + 0.125 corners: the method `gui_g1`.
"""

import ast
import math
from collections.abc import Sequence

from rewardlab.core.intervals import need

Box = Sequence[float]
LONGEST = 20_000  # characters that are read as a box; reading grows faster than them


def hit(box: Box, true: Box) -> float:
    """1 if the centre of the box lies in the true box or on its edge, else 0.

    A box with its corners swapped has a centre too, and can hit.
    """
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return float(true[0] <= x <= true[2] and true[1] <= y <= true[3])


def iou(box: Box, true: Box) -> float:
    """Intersection over union in pixels; 0 if they share at most a row or column.

    Equal boxes have 1. Two boxes of no area have 0, where the code divides by 0.
    """
    width = min(box[2], true[2]) - max(box[0], true[0])
    height = min(box[3], true[3]) - max(box[1], true[1])
    shared = width * height if width > 1 and height > 1 else 0
    union = sum((b[2] - b[0]) * (b[3] - b[1]) for b in (box, true)) - shared
    return shared / union if union else 0.0


def corners(box: Box, true: Box, width: float, height: float) -> float:
    """4 / sum_c 1 / (1 - |c - c_true| / side) over the four coordinates.

    The harmonic mean of how near they are, as shares of the image: hardly below 0.85
    even for boxes far apart. A coordinate off by a whole side gives 0.
    """
    need("corners", "(0, inf)", width=width, height=height)
    sides = (width, height, width, height)
    pairs = zip(box, true, sides, strict=True)
    near = [1 - abs(c - wanted) / side for c, wanted, side in pairs]
    if any(n == 0 for n in near):
        return 0.0
    total = sum(1 / n for n in near)
    return 4 / total if total else 0.0


def read_box(text: str) -> tuple[float, ...] | None:
    """The "bbox_2d" of the first of a list of dicts, in a ```json block or alone.

    None for what is not four finite numbers, or longer than `LONGEST` characters.
    """
    lines = text.splitlines()
    if "```json" in lines:
        text = "\n".join(lines[lines.index("```json") + 1 :]).split("```")[0]
    if len(text) > LONGEST:
        return None
    try:
        box = tuple(ast.literal_eval(text.strip())[0]["bbox_2d"])
        numbers = all(type(c) in (int, float) and math.isfinite(c) for c in box)
    except (ValueError, SyntaxError, TypeError, LookupError):
        return None
    except (MemoryError, RecursionError, OverflowError):
        return None
    return box if len(box) == 4 and numbers else None
