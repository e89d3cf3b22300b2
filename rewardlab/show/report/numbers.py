"""The table of a report, and what may be said of it in one sentence."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rewardlab.results.cells import cell
from rewardlab.results.numbers import at_end
from rewardlab.results.reading import Results, RunResult
from rewardlab.results.tables import (
    Difference,
    Table,
    comma_separated,
    latex,
    markdown,
    note,
)
from rewardlab.system.files import write_whole

FILES = {"table.csv": comma_separated, "table.tex": latex, "table.md": markdown}


class Numbers(NamedTuple):
    """What a page says of the arms' numbers."""

    verdict: str
    head: list[str]
    rows: dict[str, list[str]]
    notes: list[str]
    verdicts: list[str]
    tables: list[str]  # files beside the page


def numbers_of(results: Results, table: Table, folder: Path) -> Numbers:
    """The grid's table; beside the page in three formats, and the numbers of each run.

    Of a run that is not done the last evaluation so far stands in it.
    """
    for name, written in FILES.items():
        write_whole(folder / name, written(table))
    write_whole(folder / "runs.csv", _of_runs(results, table.measures))
    rows = {
        label: [cell(x, table.within[measure]) for measure, x in of.items()]
        for label, of in table.numbers.items()
    }
    said = note(table)
    notes = [f"{said[0].upper()}{said[1:]}."]
    early = sum(bool(run.rows) and run.state != "done" for run in results.runs)
    if early:
        runs = "1 run that is" if early == 1 else f"{early} runs that are"
        notes.append(f"Of {runs} not done it has what was measured last.")
    return Numbers(
        verdict=verdict(table),
        head=["arm", *table.measures],
        rows=rows if table.measures else {},
        notes=notes if table.measures else [],
        verdicts=[f"{d.measure}: {d.verdict}" for d in table.differences],
        tables=[*FILES, "runs.csv"],
    )


def verdict(table: Table) -> str:
    """One sentence on the first measure, each cell against the first.

    Higher and lower are those that the corrected comparison names, and no others.
    """
    if not table.measures:
        return "No run has been evaluated yet."
    measure, (first, *others) = table.measures[0], table.numbers
    if not others:
        said = cell(table.numbers[first][measure], table.within[measure])
        return f"One arm, so nothing is compared: {measure} of {first} is {said}."
    found = [d for d in table.differences if d.measure == measure]
    if not found:
        return f"No winner: no arm has two seeds in common with {first}."
    above = [_by(d) for d in found if d.winner == d.ours]
    below = [_by(d) for d in found if d.winner == d.theirs]
    if not above and not below:
        return _none(first, found)
    parts = [f"{', '.join(above)} above {first}"] if above else []
    parts += [f"{', '.join(below)} below {'it' if above else first}"] if below else []
    rest = len(found) - len(above) - len(below)
    parts += [f"{rest} of {len(found)} not to be told from it"] if rest else []
    return f"In {measure}: {'; '.join(parts)}."


def _by(d: Difference) -> str:
    mean, low, high = d.comparison.difference
    return f"{d.ours} {mean:+.3f} [{low:.3f}, {high:.3f}]"


def _none(first: str, found: Sequence[Difference]) -> str:
    """That there is no winner, and how blind the comparison was."""
    seen = max(d.comparison.seen for d in found)
    arms = found[0].ours if len(found) == 1 else "no arm"
    told = "cannot be told" if len(found) == 1 else "can be told"
    said = f"No winner: in {found[0].measure} {arms} {told} from {first}"
    seeds = f"{min(d.seeds for d in found)} seeds"
    blind = f"; with {seeds} a difference of {seen:.3f} would have been seen"
    return f"{said}{blind if seen else ''}."


def _of_runs(results: Results, measures: Sequence[str]) -> str:
    """A line a run: its arm and axes, its seed, how it stands, its last numbers."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    axes = list(dict.fromkeys(key for run in results.runs for key in run.axes))
    named = [m for m in measures if any(_last(run, m) for run in results.runs)]
    table.writerow(["folder", "arm", *axes, "seed", "state", *named])
    for run in results.runs:
        said = [run.folder.name, run.arm]
        said += [run.axes.get(key, "") for key in axes]
        numbers = [_last(run, m) for m in named]
        table.writerow([*said, run.seed, run.state, *numbers])
    return out.getvalue()


def _last(run: RunResult, measure: str) -> str:
    try:
        return str(at_end(run, measure))
    except ValueError:
        return ""
