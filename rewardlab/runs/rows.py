"""The lines of `metrics.jsonl`: read, cut back to a step, mended from a checkpoint."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rewardlab.system.files import numbered, short, write_whole

Lines = list[dict[str, Any]]
# Folders of files of a step each, and how these are called.
ROLLOUTS = {"completions": "completions_*.jsonl", "bundle": "bundle_*.npz"}


def parsed(file: Path) -> tuple[Lines, list[int]]:
    """The rows of a file, and the numbers of the lines (from 1) that are none.

    A last line without its end was cut short by a kill: it is neither.
    """
    rows, damaged = [], []
    for number, line in enumerate(file.read_bytes().split(b"\n")[:-1], 1):
        row = _row(line)
        if row is None:
            damaged.append(number)
        else:
            rows.append(row)
    return rows, damaged


def rows_of(workdir: Path) -> Lines:
    """The metrics of a run as far as they can be read, the last of each step."""
    try:
        rows, _ = parsed(workdir / "metrics.jsonl")
    except OSError:
        return []
    return list({row["step"]: row for row in rows}.values())


def row_at(workdir: Path, step: int) -> dict[str, Any]:
    """What was measured of a step, as far as it is there."""
    found = [row for row in rows_of(workdir) if row["step"] == step]
    return {k: x for k, x in found[0].items() if k != "step"} if found else {}


def cut_back(workdir: Path, step: int, known: Sequence[Any] = ()) -> list[int]:
    """Leaves what was written up to and including `step`; the steps that are lacking.

    Rows that the file lacks are taken from `known`. A damaged line that they cannot
    stand for is a `ValueError`: nothing is cut then.
    """
    file = workdir / "metrics.jsonl"
    found, damaged = parsed(file) if file.exists() else ([], [])
    rows = {r["step"]: r for r in known if _is_row(r)} | {r["step"]: r for r in found}
    kept = [rows[s] for s in sorted(rows) if s <= step]
    first = kept[0]["step"] if kept else step + 1
    lacks = sorted(set(range(first, step + 1)).difference(rows))
    ahead = sum(not found or r["step"] < found[0]["step"] for r in kept)
    unknown = step >= 0 and _in_front(damaged) > ahead
    if damaged and (lacks or unknown):
        which = f"step {lacks[0]}" if lacks else "its step"
        raise ValueError(
            f"{short(file)} line {damaged[0]} is damaged and no checkpoint holds "
            f"{which}; delete that line to go on without it"
        )
    if file.exists() or kept:
        write_whole(file, "".join(json.dumps(row) + "\n" for row in kept))
    for folder, name in ROLLOUTS.items():
        for number, written in numbered(workdir / folder, name).items():
            if number > step:
                written.unlink()
    return lacks


def _in_front(damaged: list[int]) -> int:
    """How many damaged lines stand before all others; no row says of which steps."""
    return sum(line == nth for nth, line in enumerate(damaged, 1))


def _row(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if _is_row(row) else None


def _is_row(row: Any) -> bool:
    return isinstance(row, dict) and type(row.get("step")) is int
