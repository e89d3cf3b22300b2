"""The picture beside a grid's table: curves of every cell, a panel a measure."""

from collections.abc import Sequence
from pathlib import Path

from rewardlab.results.reading import Results, RunResult
from rewardlab.runs.overoptimization import proxy_and_truth
from rewardlab.runs.plots import COLOURS, PANELS, Panel, learning_curves


def draw(results: Results, measures: Sequence[str], out: Path) -> None:
    """The learning curves of all cells, with a panel for each measure.

    Beside it, where there is a learned proxy, what it and the truth are over the KL:
    `overoptimization.png`. More cells than colours make several pictures.
    """
    every = {
        label: [run.folder / "metrics.jsonl" for run in runs.values() if _trained(run)]
        for label, runs in results.cells.items()
    }
    files = {label: paths for label, paths in every.items() if paths}
    if not files:
        return
    shown = [panel for panel in PANELS if panel.name.startswith(("reward", "compl"))]
    drawn = {panel.dots for panel in shown} | {"eval/pass@8", "eval/mean_length"}
    extra = [m for m in measures if f"eval/{m}" not in drawn]
    named = [Panel(m, "an episode", f"rewards/{m}/mean", f"eval/{m}") for m in extra]
    panels = [*shown, *named] if named else PANELS
    for number, part in enumerate(_parts(files), 1):
        end = f"-part{number}" if number > 1 else ""
        there = out.with_stem(f"{out.stem}{end}")
        learning_curves(part, there, panels=panels)
        over = there.name.replace("learning_curves", "overoptimization")
        proxy_and_truth(part, there.with_name(over))


def _trained(run: RunResult) -> bool:
    return any(row.get("reward/mean") is not None for row in run.rows)


def _parts(files: dict[str, list[Path]]) -> list[dict[str, list[Path]]]:
    """As many cells a picture as can be told apart, the first one in each."""
    labels = list(files)
    if len(labels) <= len(COLOURS):
        return [files]
    first, others, room = labels[0], labels[1:], len(COLOURS) - 1
    cut = [others[i : i + room] for i in range(0, len(others), room)]
    return [{label: files[label] for label in (first, *part)} for part in cut]
