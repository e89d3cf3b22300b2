"""A number of an arm over its training: the mean over seeds and its interval."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from rewardlab.analysis.statistics import ANYWHERE, SHARE, student
from rewardlab.results.numbers import episodes_at
from rewardlab.results.reading import RunResult
from rewardlab.runs.plots import running_mean

AXES = ("step", "episodes", "tokens")
Points = Float[np.ndarray, " s"]


class Curve(NamedTuple):
    """By point the place on the axis, the mean over seeds, its interval if there is."""

    at: Points
    mean: Points
    low: Points
    high: Points
    seeds: int
    window: int  # steps that a point is the mean of


def curve_over(
    runs: Sequence[RunResult], name: str, by: str, share: bool = False
) -> Curve | None:
    """At the steps that all of an arm's runs have; None if there is none.

    Training numbers are running means, over a 25th of the steps, before anything else.
    The interval is Student's over seeds, that of a share cut to [0, 1]; with one seed
    it is the mean.
    """
    begun = [run for run in runs if run.rows]
    of = [
        {row["step"]: row[name] for row in run.rows if row.get(name) is not None}
        for run in begun
    ]
    steps = sorted(set.intersection(*map(set, of))) if of else []
    if not steps:
        return None
    window = 1 if name.startswith("eval/") else max(1, len(steps) // 25)
    values = np.array([[x[s] for s in steps] for x in of], np.float64)
    smooth = np.stack([running_mean(line, window) for line in values])
    mean = smooth.mean(axis=0)
    low, high = mean, mean
    if len(begun) > 1:
        inside = share and ((smooth >= 0) & (smooth <= 1)).all()
        drawn = [student(x, within=SHARE if inside else ANYWHERE) for x in smooth.T]
        low = np.array([interval.low for interval in drawn])
        high = np.array([interval.high for interval in drawn])
    at = np.mean([_places(run, steps, by) for run in begun], axis=0)
    return Curve(at, mean, low, high, len(begun), window)


def _places(run: RunResult, steps: Sequence[int], by: str) -> Points:
    """Where steps lie: as they are, in episodes, or in tokens that the policy wrote."""
    if by == "step":
        return np.array(steps, np.float64)
    if by == "episodes":
        return episodes_at(run, steps)
    lengths = {row["step"]: row.get("completions/mean_length") for row in run.rows}
    every = range(max(steps) + 1)
    sampled = np.diff(episodes_at(run, every), prepend=0)
    each = [lengths.get(step) or 0.0 for step in every]
    return np.asarray(np.cumsum(each * sampled)[list(steps)])
