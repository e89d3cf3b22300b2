"""What a grid found: a table with intervals over seeds, and a picture of the curves."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from rewardlab.analysis.statistics import ANYWHERE, SHARE, Range, compare, student
from rewardlab.runs.overoptimization import proxy_and_truth
from rewardlab.runs.plots import PANELS, Panel, learning_curves
from rewardlab.runs.sinks import read_metrics
from rewardlab.system.files import write_whole

Numbers = dict[str, dict[str, Float[np.ndarray, " seeds"]]]  # [arm][measure]
SHARES = ("correct", "finished", "submitted", "format")  # and pass@k


def evaluations(folder: Path) -> list[dict[str, Any]]:
    """The rows of a run's metrics that have held-out numbers."""
    rows = read_metrics(folder / "metrics.jsonl")
    return [row for row in rows if any(name.startswith("eval/") for name in row)]


def at_end(folder: Path, measure: str) -> float:
    """A number of a run's last evaluation; `ValueError` if it is not there."""
    rows = evaluations(folder)
    last = rows[-1] if rows else {}
    if f"eval/{measure}" not in last:
        known = sorted(key[5:] for key in last if key.startswith("eval/"))
        raise ValueError(
            f"{folder} has no held-out number {measure!r}; have {', '.join(known)}"
        )
    value = last[f"eval/{measure}"]
    return float("nan") if value is None else float(value)


def episodes_until(folder: Path, share: float) -> float:
    """Training episodes until held-out pass@1 is first at `share`; NaN if it never is.

    A straight line joins one evaluation and the next.
    """
    config = json.loads((folder / "config.json").read_text())["rollout"]
    rows = evaluations(folder)
    steps = np.array([row["step"] for row in rows], np.float64)
    shares = np.array([row["eval/pass@1"] for row in rows], np.float64)
    reached = np.flatnonzero(shares >= share)
    if not reached.size:
        return float("nan")
    last = reached[0] + 1
    first = max(last - 2, 0)
    step = np.interp(share, shares[first:last], steps[first:last])
    return float(step * config["num_prompts"] * config["num_generations"])


def measured(
    folders: Mapping[str, Sequence[Path]],
    measures: Sequence[str],
    reach: float | None = None,
) -> Numbers:
    """The numbers of every arm, from the folders of its runs, one a seed."""
    numbers: Numbers = {
        arm: {m: np.array([_or_nan(run, m) for run in runs]) for m in measures}
        for arm, runs in folders.items()
    }
    if reach is not None:
        for arm, runs in folders.items():
            until = [episodes_until(run, reach) for run in runs]
            numbers[arm][f"episodes to {reach}"] = np.array(until)
    return numbers


def _or_nan(folder: Path, measure: str) -> float:
    """A signal that no completion had at the end has no mean; the others have."""
    try:
        return at_end(folder, measure)
    except ValueError:
        return float("nan")


def range_of(measure: str, numbers: Numbers) -> Range:
    """Where a mean can lie: that of a share in [0, 1].

    A signal of a share's name with other values is none.
    """
    values = np.concatenate([arm[measure] for arm in numbers.values()])
    named = measure.startswith("pass@") or measure in SHARES
    is_share = named and not np.any((values < 0) | (values > 1))
    return SHARE if is_share else ANYWHERE


def cell(values: Float[np.ndarray, " seeds"], within: Range) -> str:
    """A mean with its interval, if there is more than one seed.

    Where a seed has no value, how many have.
    """
    if np.isnan(values).any():
        return f"{np.isfinite(values).sum()} of {len(values)} seeds"
    form = "{:.3f}" if np.abs(values).max() < 10 else "{:.1f}"
    if len(values) == 1:
        return form.format(values[0])
    mean, low, high = map(form.format, student(values, within=within))
    return f"{mean} [{low}, {high}]"


def report(numbers: Numbers) -> str:
    """Markdown: a row an arm, then what the paired differences over seeds allow."""
    first, *others = numbers
    within = {measure: range_of(measure, numbers) for measure in numbers[first]}
    lines = ["| arm | " + " | ".join(numbers[first]) + " |"]
    lines.append("|---" * (len(numbers[first]) + 1) + "|")
    for arm, values in numbers.items():
        cells = [cell(x, within[measure]) for measure, x in values.items()]
        lines.append(f"| `{arm}` | " + " | ".join(cells) + " |")
    lines.append("")
    for arm in others:
        for measure, ours in numbers[arm].items():
            theirs = numbers[first][measure]
            if np.isfinite(ours).all() and np.isfinite(theirs).all():
                verdict = against((arm, first), ours, theirs, within[measure])
                lines.append(f"- {measure}: {verdict}")
    seeds = len(next(iter(numbers[first].values())))
    note = "Student's 95 % interval over seeds; that of a share is cut to [0, 1]"
    lines += ["", note if seeds > 1 else "one seed: no interval, and no winner"]
    return "\n".join(lines)


def against(
    arms: tuple[str, str],
    ours: Float[np.ndarray, " seeds"],
    theirs: Float[np.ndarray, " seeds"],
    within: Range,
) -> str:
    """What may be said of the difference between two arms."""
    if len(ours) > 1:
        return compare(ours, theirs, arms, within).verdict
    return f"{arms[0]} - {arms[1]} = {ours[0] - theirs[0]:.3f}, 1 seed"


def files_of(grid: Path, runs: Sequence[str]) -> tuple[Path, Path]:
    """The table and the picture that show these runs; `grid.json` keeps which do.

    Those that show other runs besides are left as they are: then it is a new pair.
    """
    record = grid / "grid.json"
    shown, number = _recorded(record), 1
    while True:
        end = f"_{number}" if number > 1 else ""
        table, picture = grid / f"table{end}.md", grid / f"learning_curves{end}.png"
        unknown = table.name not in shown and (table.exists() or picture.exists())
        if not unknown and all(run in runs for run in shown.get(table.name, [])):
            break
        number += 1
    shown[table.name] = list(runs)
    write_whole(record, json.dumps(shown, indent=2) + "\n")
    return table, picture


def _recorded(file: Path) -> dict[str, list[str]]:
    """Which runs each table shows; what cannot be read says nothing of any."""
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    found = found if isinstance(found, dict) else {}
    return {k: x for k, x in found.items() if isinstance(x, list)}


def draw(
    folders: Mapping[str, Sequence[Path]], measures: Sequence[str], out: Path
) -> None:
    """The learning curves of all arms, with a panel for each measure.

    Beside it, where there is a learned proxy, what it and the truth are over the KL:
    `overoptimization.png`.
    """
    files = {
        arm: [run / "metrics.jsonl" for run in runs] for arm, runs in folders.items()
    }
    shown = [panel for panel in PANELS if panel.name.startswith(("reward", "compl"))]
    drawn = {panel.dots for panel in shown} | {"eval/pass@8", "eval/mean_length"}
    extra = [m for m in measures if f"eval/{m}" not in drawn]
    named = [Panel(m, "an episode", f"rewards/{m}/mean", f"eval/{m}") for m in extra]
    learning_curves(files, out, panels=[*shown, *named] if named else PANELS)
    proxy_and_truth(
        files, out.with_name(out.name.replace("learning_curves", "overoptimization"))
    )
