"""A number of an arm over its training: the mean over seeds and its interval."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from rewardlab.analysis.statistics import ANYWHERE, SHARE, student

AXES = ("step", "episodes", "tokens")
POINTS = 120  # of a line: more are not seen
Points = Float[np.ndarray, " s"]


class Trained(NamedTuple):
    """A run as it is drawn: rows of its metrics, and how many episodes were sampled up
    to each of some steps; untold they are taken for steps."""

    rows: Sequence[Mapping[str, Any]]
    episodes: Callable[[Sequence[float]], Points] = np.asarray


class Curve(NamedTuple):
    """By point the place on the axis, the mean over seeds, its interval if there is."""

    at: Points
    mean: Points
    low: Points
    high: Points
    seeds: int
    window: int  # steps that a point is the mean of


def curve_over(
    runs: Sequence[Trained], name: str, by: str, share: bool = False
) -> Curve | None:
    """At the steps that all of an arm's runs have; None if there is none.

    Training numbers are running means, over a 25th of the steps, before anything else.
    The interval is Student's over seeds, that of a share cut to [0, 1]; with one seed
    it is the mean. Of more than `POINTS` steps as many are drawn, the last among them.
    """
    begun = [run for run in runs if run.rows]
    of = [values_of(run, name) for run in begun]
    every = sorted(set.intersection(*map(set, of))) if of else []
    if not every:
        return None
    window = 1 if name.startswith("eval/") else max(1, len(every) // 25)
    values = np.array([[x[s] for s in every] for x in of], np.float64)
    kept = np.unique(np.linspace(0, len(every) - 1, POINTS).round().astype(int))
    smooth = np.stack([running_mean(line, window) for line in values])[:, kept]
    steps = [every[i] for i in kept]
    at = np.mean([_places(run, steps, by) for run in begun], axis=0)
    return Curve(at, *banded(smooth, share), len(begun), window)


def banded(
    values: Float[np.ndarray, "seeds s"], share: bool
) -> tuple[Points, Points, Points]:
    """The mean over seeds of each point, and Student's 95 % interval; of one seed the
    mean. That of a share is cut to [0, 1]."""
    mean = values.mean(axis=0)
    if len(values) < 2:
        return mean, mean, mean
    inside = share and ((values >= 0) & (values <= 1)).all()
    drawn = [student(x, within=SHARE if inside else ANYWHERE) for x in values.T]
    low, high = ([getattr(x, end) for x in drawn] for end in ("low", "high"))
    return mean, np.array(low), np.array(high)


def values_of(run: Trained, name: str) -> dict[int, float]:
    """By step the number, where there is one."""
    return {row["step"]: row[name] for row in run.rows if row.get(name) is not None}


def running_mean(curve: Points, window: int) -> Points:
    """The mean of the `window` values around each, of fewer near the ends."""
    kernel = np.ones(window)
    count = np.convolve(np.ones_like(curve), kernel, "same")
    return np.convolve(curve, kernel, "same") / count


def _places(run: Trained, steps: Sequence[int], by: str) -> Points:
    """Where steps lie: as they are, in episodes, or in tokens that the policy wrote."""
    if by == "step":
        return np.array(steps, np.float64)
    if by == "episodes":
        return run.episodes(steps)
    lengths, every = values_of(run, "completions/mean_length"), range(max(steps) + 1)
    sampled = np.diff(run.episodes(every), prepend=0)
    each = [lengths.get(step) or 0.0 for step in every]
    return np.asarray(np.cumsum(each * sampled)[list(steps)])
