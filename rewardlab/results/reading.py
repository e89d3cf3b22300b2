"""The runs of a grid as they lie in its folder, or one run as a grid of its own.

Nothing is run and nothing is written. What is torn, missing or not begun has no rows,
and says so: a grid that is half done can be looked at.
"""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from rewardlab.runs.record import RUN
from rewardlab.runs.rows import rows_of
from rewardlab.system.files import read_json

GRID = "grid.json"
SCHEMA = 1
STATES = ("waits", "runs", "done", "failed", "stopped")
Row = dict[str, Any]
_SAFE = re.compile(r"(.+)-(\d+)")


class RunResult(NamedTuple):
    """One run: what was asked of it and what it has written so far."""

    arm: str
    axes: Mapping[str, Any]  # values of the grid's axes
    seed: int
    id: str
    folder: Path
    state: str  # one of STATES
    error: str  # of one that failed
    config: Mapping[str, Any]  # as it was resolved; {} before it began
    rows: tuple[Row, ...]  # of metrics.jsonl

    @property
    def label(self) -> str:
        """The cell of the table that it stands in: its arm and its axes' values."""
        return label_of(self.arm, self.axes)

    @property
    def evaluations(self) -> list[Row]:
        """The rows that have held-out numbers."""
        return [row for row in self.rows if any(k.startswith("eval/") for k in row)]


class Results(NamedTuple):
    """A grid: what `grid.json` says of it, and its runs in the order of the plan."""

    workdir: Path
    grid: Mapping[str, Any]
    runs: tuple[RunResult, ...]

    def of(self, folders: Collection[str]) -> "Results":
        """The same grid with the runs in these folders alone, in their order."""
        found = {run.folder.name: run for run in self.runs}
        return self._replace(runs=tuple(found[x] for x in folders if x in found))

    @property
    def cells(self) -> dict[str, dict[int, RunResult]]:
        """The runs of each cell by seed, in the order of the plan."""
        found: dict[str, dict[int, RunResult]] = {}
        for run in self.runs:
            found.setdefault(run.label, {})[run.seed] = run
        return found


def label_of(arm: str, axes: Mapping[str, Any]) -> str:
    """`grpo`, or `grpo, hp.eta=0.5`: an arm, and what it has of the axes."""
    said = [f"{key}={value}" for key, value in axes.items()]
    return ", ".join([arm, *said])


def read_results(workdir: str | Path) -> Results:
    """What lies in the folder of a grid, or of a single run.

    `ValueError` where it is neither.
    """
    folder = Path(workdir)
    grid = read_json(folder / GRID)
    if grid.get("schema") == SCHEMA and isinstance(grid.get("runs"), list):
        planned = [entry for entry in grid["runs"] if _is_planned(entry)]
        return Results(folder, grid, tuple(_run(folder, e) for e in planned))
    if (folder / "config.json").exists() or (folder / "metrics.jsonl").exists():
        return Results(folder, {}, (_alone(folder),))
    found = [run.parent for run in sorted(folder.glob("*/config.json"))]
    if not found:
        raise ValueError(
            f"{folder} is neither the folder of a grid nor the workdir of a run; give "
            "the --workdir of one"
        )
    return Results(folder, {}, tuple(_alone(run) for run in found))


def _is_planned(entry: Any) -> bool:
    """Whether an entry of `runs` names a run inside the folder of its grid."""
    if not isinstance(entry, dict) or not isinstance(entry.get("folder"), str):
        return False
    parts = Path(entry["folder"]).parts
    inside = (
        bool(parts) and ".." not in parts and not Path(entry["folder"]).is_absolute()
    )
    return (
        inside and isinstance(entry.get("arm"), str) and type(entry.get("seed")) is int
    )


def _run(grid: Path, entry: Mapping[str, Any]) -> RunResult:
    folder = grid / entry["folder"]
    said, axes = read_json(folder / RUN), entry.get("axes")
    state = said.get("state", "waits")
    return RunResult(
        entry["arm"],
        axes if isinstance(axes, dict) else {},
        entry["seed"],
        str(entry.get("id", "")),
        folder,
        state if state in STATES else "waits",
        str(said.get("error", "")),
        read_json(folder / "config.json"),
        tuple(rows_of(folder)),
    )


def _alone(folder: Path) -> RunResult:
    """A run that no plan names: its arm is its reward, or its folder's name."""
    config, rows = read_json(folder / "config.json"), tuple(rows_of(folder))
    named = _SAFE.fullmatch(folder.name)
    arm = named[1] if named else str(config.get("reward") or folder.name)
    seed = config.get("seed", named[2] if named else 0)
    seed = int(seed) if isinstance(seed, int | str) else 0
    last = config.get("train", {}).get("max_steps")
    state = "done" if rows and rows[-1]["step"] == last else "stopped"
    return RunResult(arm, {}, seed, "", folder, state, "", config, rows)
