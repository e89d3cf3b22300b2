"""The table of a report, and what may be said of it in one sentence."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rewardlab.analysis.statistics import ANYWHERE, SHARE, Comparison, compare, student
from rewardlab.results.reading import Results, RunResult
from rewardlab.system.files import write_whole

USUAL = ("pass@1", "pass@8", "mean_length")
BySeed = dict[int, float]


class Numbers(NamedTuple):
    """What a page says of the arms' numbers."""

    verdict: str
    head: list[str]
    rows: dict[str, list[str]]
    notes: list[str]
    verdicts: list[str]


def numbers_of(results: Results, folder: Path) -> Numbers:
    """The numbers of each cell's last evaluations, and each cell against the first.

    Beside the page they are `runs.csv`, a line a run.
    """
    measures = _measures(results)
    write_whole(folder / "runs.csv", _as_csv(results, measures))
    values = {
        label: {m: _by_seed(runs, m) for m in measures}
        for label, runs in results.cells.items()
    }
    rows = {
        label: [cell(x, _within(m, values)) for m, x in of.items()]
        for label, of in values.items()
    }
    verdicts = [
        f"{measure}: {found.verdict}"
        for measure in measures
        for found in against_first(values, measure).values()
    ]
    notes = ["Means over seeds with Student's 95 % interval; shares are cut to [0, 1]."]
    early = [run for run in results.runs if run.rows and run.state != "done"]
    if early:
        notes.append(
            f"{len(early)} runs are not done and stand here with what they last "
            "measured."
        )
    return Numbers(verdict(values, measures), ["arm", *measures], rows, notes, verdicts)


Values = Mapping[str, Mapping[str, BySeed]]  # [cell][measure][seed]


def against_first(values: Values, measure: str) -> dict[str, Comparison]:
    """Each cell against the first over the seeds that both have, if two or more."""
    first, *others = values
    found = {}
    for label in others:
        ours, theirs = values[label][measure], values[first][measure]
        both = [seed for seed in ours if seed in theirs]
        if len(both) > 1:
            a, b = (np.array([of[seed] for seed in both]) for of in (ours, theirs))
            names = (label, first)
            found[label] = compare(a, b, names, _within(measure, values))
    return found


def verdict(values: Values, measures: Sequence[str]) -> str:
    """One sentence on the first measure; no winner unless an interval excludes 0."""
    if not measures or not values:
        return "No run has been evaluated yet."
    measure, first = measures[0], next(iter(values))
    found = against_first(values, measure)
    if len(values) == 1:
        said = cell(values[first][measure], _within(measure, values))
        return f"One arm, so nothing is compared: {measure} of {first} is {said}."
    if not found:
        return "No winner: no two arms have two seeds in common."
    above = [_said(k, x) for k, x in found.items() if x.winner == k]
    below = [_said(k, x) for k, x in found.items() if x.winner == first]
    if not above and not below:
        return f"No winner: in {measure} no arm can be told from {first}."
    parts = [f"above {first}: {', '.join(above)}"] if above else []
    parts += (
        [
            f"below it: {', '.join(below)}"
            if above
            else f"below {first}: {', '.join(below)}"
        ]
        if below
        else []
    )
    rest = len(found) - len(above) - len(below)
    parts += [f"not to be told from it: {rest} of {len(found)}"] if rest else []
    return f"In {measure}, {'; '.join(parts)}."


def _said(label: str, found: Comparison) -> str:
    mean, low, high = found.difference
    return f"{label} by {mean:+.3f} [{low:.3f}, {high:.3f}]"


def cell(values: BySeed, within: tuple[float, float]) -> str:
    """A mean with its interval; of one seed the value alone."""
    x = np.array([*values.values()])
    if not x.size:
        return "—"
    form = "{:.3f}" if np.abs(x).max() < 10 else "{:.1f}"
    if x.size == 1:
        return form.format(x[0]) + " (1 seed)"
    mean, low, high = map(form.format, student(x, within=within))
    return f"{mean} [{low}, {high}] ({x.size} seeds)"


def _measures(results: Results) -> list[str]:
    asked = results.grid.get("measures")
    names = [str(m) for m in asked] if isinstance(asked, list) and asked else [*USUAL]
    known = {key for run in results.runs for row in run.evaluations for key in row}
    return [name for name in names if f"eval/{name}" in known]


def _by_seed(runs: Mapping[int, RunResult], measure: str) -> BySeed:
    found = {seed: _last(run, measure) for seed, run in runs.items()}
    return {seed: float(x) for seed, x in found.items() if x is not None}


def _last(run: RunResult, measure: str) -> Any:
    rows = run.evaluations
    value = rows[-1].get(f"eval/{measure}") if rows else None
    return value if isinstance(value, int | float) and np.isfinite(value) else None


def _within(measure: str, values: Values) -> tuple[float, float]:
    every = [x for of in values.values() for x in of[measure].values()]
    share = measure.startswith("pass@") and all(0 <= x <= 1 for x in every)
    return SHARE if share else ANYWHERE


def _as_csv(results: Results, measures: Sequence[str]) -> str:
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    axes = list(dict.fromkeys(key for run in results.runs for key in run.axes))
    table.writerow(["folder", "arm", *axes, "seed", "state", *measures])
    for run in results.runs:
        said = [run.folder.name, run.arm, *(run.axes.get(key, "") for key in axes)]
        numbers = [_last(run, m) for m in measures]
        table.writerow([*said, run.seed, run.state, *numbers])
    return out.getvalue()
