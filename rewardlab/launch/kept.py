"""What a grid writes of itself: `grid.json`, and `run.json` of each run."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rewardlab.launch.plan import Grid, Planned, changed
from rewardlab.results.reading import GRID, SCHEMA
from rewardlab.runs.record import RUN
from rewardlab.runs.rows import rows_of
from rewardlab.system.commit import commit
from rewardlab.system.files import read_json, write_whole
from rewardlab.system.lock import only_one, turn

REPLACED = "replaced"  # the folder of runs that a changed config has done anew


class Found(NamedTuple):
    """What lies in a run's folder before the grid begins."""

    state: str  # new, cut, done or changed
    step: int  # that it has reached
    why: str = ""  # what is changed


def found_of(run: Planned) -> Found:
    """Whether a run is new, was cut, is done, or is another one than planned."""
    if not (run.folder / "config.json").exists():
        return Found("new", 0)
    if why := changed(run.folder, run.record):
        return Found("changed", 0, why)
    rows = rows_of(run.folder)
    step = rows[-1]["step"] if rows else 0
    if step > run.steps:  # its schedule was another, and its end is not asked for
        why = f"it has gone to step {step}, and train.max_steps={run.steps}"
        return Found("changed", step, why)
    ended = read_json(run.folder / RUN).get("state") == "done"
    return Found("done" if ended and step >= run.steps else "cut", step)


def put_aside(run: Planned) -> Path:
    """Moves what lies in a run's folder to `replaced/`; where it is now.

    `ValueError` while a process still does that run.
    """
    old = read_json(run.folder / RUN).get("id") or "before"
    folder = run.folder.parent / REPLACED
    folder.mkdir(exist_ok=True)
    number, there = 1, folder / f"{run.folder.name}-{old}"
    while there.exists():
        number += 1
        there = folder / f"{run.folder.name}-{old}-{number}"
    with only_one(run.folder):
        shutil.move(run.folder, there)
    return there


def write_run(run: Planned, state: str, error: str = "", seconds: float = 0) -> None:
    """Leaves `run.json`; `seconds` come on top of those of the process before, and the
    run's own word on its devices stays."""
    known = read_json(run.folder / RUN)
    before = known.get("seconds")
    total = (before if isinstance(before, int | float) else 0) + seconds
    said = {"state": state, "id": run.id, "error": error, "seconds": round(total, 1)}
    write_whole(run.folder / RUN, json.dumps({**known, **said}) + "\n")


def write_grid(grid: Grid, runs: Sequence[Planned]) -> None:
    """Leaves `grid.json`: this plan, and the runs of plans before it in this folder.

    Two grids that begin in one folder take turns, and neither loses the other's runs.
    """
    with turn(grid.workdir):
        record = _joined(read_json(grid.workdir / GRID), grid, runs)
        write_whole(grid.workdir / GRID, json.dumps(record, indent=2) + "\n")


def _joined(
    before: dict[str, Any], grid: Grid, runs: Sequence[Planned]
) -> dict[str, Any]:
    """What a folder's grid said, and what this plan says."""
    before = before if before.get("schema") == SCHEMA else {}
    entries: dict[str, dict[str, Any]] = {
        entry["folder"]: entry
        for entry in before.get("runs", [])
        if isinstance(entry, dict) and isinstance(entry.get("folder"), str)
    }
    for run in runs:
        name = run.folder.name
        place = {"arm": run.arm, "axes": dict(run.axes), "seed": run.seed}
        entries[name] = {"id": run.id, "base": run.base, **place, "folder": name}
    arms = {
        name: {"reward": arm.reward, "options": list(arm.options)}
        for name, arm in grid.arms.items()
    }
    seeds = dict.fromkeys([*before.get("seeds", []), *grid.seeds])
    return {
        "schema": SCHEMA,
        "question": grid.question or before.get("question", ""),
        "command": ["rewardlab", "grid", *grid.command],
        "commit": commit(),
        "config": grid.config,
        "options": list(grid.options),
        "arms": {**before.get("arms", {}), **arms},
        "axes": {
            **before.get("axes", {}),
            **{k: list(x) for k, x in grid.axes.items()},
        },
        "seeds": list(seeds),
        "measures": list(grid.measures),
        "reach": grid.reach,
        "runs": list(entries.values()),
        "tables": before.get("tables", {}),
    }


def bases(runs: Sequence[Planned]) -> list[tuple[str, Path]]:
    """The base of these runs, and of all others of their grid, with their folders: a
    grid that grows makes no base policy twice."""
    found = [(run.base, run.folder) for run in runs]
    for folder in {run.folder.parent for run in runs}:
        for entry in read_json(folder / GRID).get("runs", []):
            if isinstance(entry, dict) and entry.get("base"):
                found.append((entry["base"], folder / str(entry.get("folder"))))
    return found


def files_of(grid: Path, runs: Sequence[str]) -> tuple[Path, Path]:
    """The table and the picture that show these runs; `grid.json` keeps which do.

    Those that show other runs besides are left as they are: then it is a new pair.
    """
    with turn(grid):
        return _files_of(grid, runs)


def _files_of(grid: Path, runs: Sequence[str]) -> tuple[Path, Path]:
    record = read_json(grid / GRID)
    shown = record.get("tables", {}) if record else {}
    number = 1
    while True:
        end = f"_{number}" if number > 1 else ""
        table, picture = grid / f"table{end}.md", grid / f"learning_curves{end}.png"
        unknown = table.name not in shown and (table.exists() or picture.exists())
        if not unknown and all(run in runs for run in shown.get(table.name, [])):
            break
        number += 1
    shown[table.name] = list(runs)
    write_whole(grid / GRID, json.dumps({**record, "tables": shown}, indent=2) + "\n")
    return table, picture
