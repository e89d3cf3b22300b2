"""Which criteria of a rubric still count, and how much: a curriculum on the host.

InfiMed-ORBIT (arXiv 2510.15859) keeps a moving average of success for each criterion of
a prompt and moves it at every completion, not at every batch. Reviews are weighed by
them, so equal completions of one prompt get different rewards by their order;
that is its code, and noise in the advantage. Which criteria count is set once a batch,
by `active` or `review_window`.

A criterion with points >= 0 succeeds when it is met, one below 0 when it is not.
"""

import random
from collections.abc import Sequence

WINDOW, THRESHOLD, RATE = 5, 0.9, 0.1


def succeeded(points: Sequence[float], met: Sequence[bool]) -> list[bool]:
    """Met for points >= 0, not met for a penalty."""
    return [bool(m) == (p >= 0) for p, m in zip(points, met, strict=True)]


def moved(
    average: Sequence[float],
    criteria: Sequence[int],
    success: Sequence[bool],
    rate: float = RATE,
) -> list[float]:
    """(1 - rate) * average + rate * success for those criteria; the others stay."""
    new = list(average)
    for i in criteria:
        new[i] = (1 - rate) * new[i] + rate * float(success[i])
    return new


def active(
    average: Sequence[float], window: int = WINDOW, threshold: float = THRESHOLD
) -> list[int]:
    """The first `window` criteria in order with average <= threshold: not mastered."""
    return [i for i, a in enumerate(average) if a <= threshold][:window]


def signed_score(points: Sequence[float], met: Sequence[bool]) -> float:
    """Points met over the points above 0; over all sizes where none is above 0."""
    earned = sum(p for p, m in zip(points, met, strict=True) if m)
    best = sum(p for p in points if p > 0) or sum(abs(p) for p in points)
    return earned / best if best else 0.0


def sequential(
    points: Sequence[float],
    met: Sequence[bool],
    average: Sequence[float],
    criteria: Sequence[int] | None = None,
) -> tuple[float, list[float]]:
    """The score over the criteria of the window alone, and the averages after it.

    `criteria` is `active(average)` of the averages before the batch, for all of its
    completions; None takes those of now, for a batch of one. A mastered criterion drops
    out, and the next in order comes in, with the next batch.
    """
    now = active(average) if criteria is None else criteria
    score = signed_score([points[i] for i in now], [met[i] for i in now])
    return score, moved(average, now, succeeded(points, met))


def review_window(
    average: Sequence[float],
    draw: random.Random,
    window: int = WINDOW,
    ratio: float = 0.5,
) -> list[int]:
    """Up to int(window * ratio) mastered criteria by lot, then unmastered in order.

    Where too few are unmastered the window is not full.
    """
    mastered = [i for i, a in enumerate(average) if a > THRESHOLD]
    again = draw.sample(mastered, min(int(window * ratio), len(mastered)))
    return sorted([*again, *active(average, window - len(again))])


def review(
    points: Sequence[float],
    met: Sequence[bool],
    average: Sequence[float],
    criteria: Sequence[int],
    least: float = 0.2,
    power: float = 1.0,
) -> tuple[float, list[float]]:
    """sum w_i success_i / sum w_i, w = least + (1 - least) (1 - average)^power.

    Averages move first. Points count by their sign alone.
    """
    success = succeeded(points, met)
    new = moved(average, criteria, success)
    weight = {i: least + (1 - least) * (1 - new[i]) ** power for i in criteria}
    total = sum(weight.values())
    won = sum(w for i, w in weight.items() if success[i])
    return (won / total if total else 0.0), new
