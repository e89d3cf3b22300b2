"""What was run, by which command, for how long and on what."""

import shlex
from collections.abc import Sequence
from typing import Any, NamedTuple

from rewardlab.results.reading import Results, RunResult
from rewardlab.runs.record import RUN
from rewardlab.system.files import read_json


class RunRow(NamedTuple):
    """A run as a line of a table; "" where something is not known."""

    folder: str
    arm: str
    seed: int
    state: str
    steps: str  # how far it has come, of how many
    time: str
    device: str
    id: str
    error: str


def run_rows(results: Results) -> list[RunRow]:
    """Every run of the grid, begun or not."""
    return [_row(run) for run in results.runs]


def _row(run: RunResult) -> RunRow:
    own = read_json(run.folder / RUN)
    reached = max((row["step"] for row in run.rows), default=0)
    planned = run.config.get("train", {}).get("max_steps")
    return RunRow(
        folder=run.folder.name,
        arm=run.arm,
        seed=run.seed,
        state=run.state,
        steps=f"{reached} of {planned}" if planned else str(reached),
        time=span(_seconds(run, own)),
        device=", then ".join(_on(own.get("devices"))),
        id=run.id,
        error=run.error,
    )


def _on(devices: Any) -> list[str]:
    """`2 × NVIDIA H200, JAX 0.7.2`, for each that a run was on."""
    said = devices if isinstance(devices, list) else []
    every = [x for x in said if isinstance(x, dict)]
    named = [f"{x.get('count')} × {x.get('kind')}, JAX {x.get('jax')}" for x in every]
    return list(dict.fromkeys(named))


def _seconds(run: RunResult, own: dict[str, Any]) -> float:
    """Of the clock; where nothing was written at its end, that of its steps."""
    said = own.get("seconds")
    if isinstance(said, int | float):
        return float(said)
    return float(sum(row.get("step_time") or 0.0 for row in run.rows))


def unfinished(rows: Sequence[RunRow]) -> dict[str, list[RunRow]]:
    """The runs that are not done, by their state; failed ones first."""
    found: dict[str, list[RunRow]] = {}
    for state in ("failed", "stopped", "runs", "waits"):
        if of := [row for row in rows if row.state == state]:
            found[state] = of
    return found


def total_time(results: Results) -> str:
    """Of all runs, one after another."""
    return span(sum(_seconds(run, read_json(run.folder / RUN)) for run in results.runs))


def devices(rows: Sequence[RunRow]) -> list[str]:
    """The kinds of devices that runs had, each once."""
    return sorted({row.device for row in rows} - {""})


def span(seconds: float) -> str:
    """`3 h 05 min`, `4 min 10 s` or `12 s`; "" of none."""
    if seconds <= 0:
        return ""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{max(rest, 1)} s"


def command_of(results: Results) -> str:
    """The command that made the grid, as a shell reads it; "" where none is known."""
    said = results.grid.get("command") or []
    return shlex.join(map(str, said)) if isinstance(said, list) else str(said)
