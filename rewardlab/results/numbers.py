"""What a run is compared by: held-out numbers at its end, and how soon it got there."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from rewardlab.analysis.statistics import ANYWHERE, SHARE, Range, area_under
from rewardlab.results.reading import Results, RunResult
from rewardlab.runs.evaluations import times_sampled

Seeds = Float[np.ndarray, " seeds"]  # NaN where a run has no such number
Numbers = dict[str, dict[str, Seeds]]  # [cell][measure]
SHARES = ("correct", "finished", "submitted", "format")  # and pass@k
USUAL = ("pass@1", "pass@8", "mean_length")
# In front of a measure: its mean over training, or its last value less its first.
AREA, GAIN = "area/", "gain/"


def at_end(run: RunResult, measure: str) -> float:
    """A number of a run's last evaluation; `ValueError` if it is not there."""
    last = run.evaluations[-1] if run.evaluations else {}
    if f"eval/{measure}" not in last:
        known = sorted(key[5:] for key in last if key.startswith("eval/"))
        raise ValueError(
            f"{run.folder} has no held-out number {measure!r}; have {', '.join(known)}"
        )
    value = last[f"eval/{measure}"]
    return float("nan") if value is None else float(value)


def episodes_at(run: RunResult, steps: Sequence[float]) -> Seeds:
    """Training episodes sampled up to each of these steps, those thrown away too."""
    rollout = run.config["rollout"]
    one = rollout["num_prompts"] * rollout["num_generations"]
    each = np.full(int(np.ceil(max([0, *steps]))) + 1, float(one))
    each[0] = 0
    for row in run.rows:
        if 0 < row["step"] < len(each):
            each[row["step"]] = one * times_sampled(row)
    return np.interp(steps, np.arange(len(each)), np.cumsum(each))


def curve_of(run: RunResult, measure: str) -> tuple[Seeds, Seeds]:
    """Steps and values of a held-out number."""
    rows = [r for r in run.evaluations if r.get(f"eval/{measure}") is not None]
    steps = np.array([row["step"] for row in rows], np.float64)
    return steps, np.array([row[f"eval/{measure}"] for row in rows], np.float64)


def episodes_until(run: RunResult, share: float) -> float:
    """Training episodes until held-out pass@1 is first at `share`; inf if it never is.

    A straight line joins one evaluation and the next.
    """
    steps, shares = curve_of(run, "pass@1")
    reached = np.flatnonzero(shares >= share)
    if not reached.size:
        return float("inf" if steps.size else "nan")
    last = reached[0] + 1
    first = max(last - 2, 0)
    step = np.interp(share, shares[first:last], steps[first:last])
    return float(episodes_at(run, [step])[0])


def measured(run: RunResult, measure: str) -> float:
    """A number at the end; with `area/` in front its mean over training, with `gain/`
    how much it rose."""
    if measure.startswith(AREA):
        return area(run, bare(measure))
    if measure.startswith(GAIN):
        _, values = curve_of(run, bare(measure))
        return float(values[-1] - values[0]) if len(values) > 1 else float("nan")
    return at_end(run, measure)


def bare(measure: str) -> str:
    """The held-out number that a measure is made of: `area/pass@1` -> `pass@1`."""
    return measure.removeprefix(AREA).removeprefix(GAIN)


def area(run: RunResult, measure: str) -> float:
    """The mean height of a held-out curve over training; NaN with one evaluation."""
    steps, values = curve_of(run, measure)
    return area_under(steps, values) if len(steps) > 1 else float("nan")


def measures_of(results: Results) -> tuple[str, ...]:
    """Those that the grid names, or the usual ones that its runs have."""
    named = tuple(results.grid.get("measures") or ())
    every = {k[5:] for run in results.runs for row in run.evaluations for k in row}
    return named or tuple(m for m in USUAL if m in every)


def numbers_of(
    results: Results, measures: Sequence[str], reach: float | None = None
) -> Numbers:
    """The numbers of every cell, one a seed in the grid's order of seeds.

    A run that has none, because it failed, waits or never had that signal, is NaN.
    With `reach`, episodes until held-out pass@1 is there are a measure too; a run that
    never is there is inf, and no mean is taken of those that are.
    """
    seeds = list(dict.fromkeys(run.seed for run in results.runs))
    numbers: Numbers = {}
    for label, runs in results.cells.items():
        row = {m: _of(runs, seeds, lambda run, m=m: measured(run, m)) for m in measures}
        if reach is not None:
            name = f"episodes to {reach}"
            row[name] = _of(runs, seeds, lambda run: episodes_until(run, reach))
        numbers[label] = row
    return numbers


def _of(runs: Mapping[int, RunResult], seeds: Sequence[int], number: Any) -> Seeds:
    found = np.full(len(seeds), np.nan)
    for place, seed in enumerate(seeds):
        if seed in runs and runs[seed].rows:
            try:
                found[place] = number(runs[seed])
            except (ValueError, KeyError):
                continue
    return found


def range_of(measure: str, numbers: Numbers) -> Range:
    """Where a mean can lie: that of a share in [0, 1].

    A signal of a share's name with other values is none.
    """
    values = np.concatenate([cell[measure] for cell in numbers.values()])
    name = measure.removeprefix(AREA)
    named = name.startswith("pass@") or name in SHARES
    is_share = named and not np.any((values < 0) | (values > 1))
    return SHARE if is_share else ANYWHERE
