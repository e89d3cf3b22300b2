"""What a grid would do, and what that would cost; nothing is run."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import rich.box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rewardlab.launch.kept import Found
from rewardlab.launch.plan import Grid, Planned
from rewardlab.runs.console import clock
from rewardlab.runs.rows import rows_of
from rewardlab.system.printable import one_line


def dry_run(
    grid: Grid,
    runs: Sequence[Planned],
    found: Mapping[Path, Found],
    jobs: int,
    out: Console,
) -> None:
    """Prints every run with its state and cost, and the cost of the whole.

    Seconds are those that steps of the same arm took here before, or of other arms of
    the grid; where nothing has run yet, episodes alone are known.
    """
    paces = {run.arm: pace for run in runs if (pace := pace_of(run))}
    usual = float(np.median(list(paces.values()))) if paces else 0.0
    table = Table(box=rich.box.SIMPLE_HEAD)
    for name in ("run", "", "steps left", "episodes", "time", "id"):
        right = name in ("steps left", "episodes", "time")
        table.add_column(
            name,
            justify="right" if right else "left",
            no_wrap=name != "run",
            overflow="fold",
        )
    whole, episodes, tokens = 0.0, 0, 0
    for run in runs:
        was = found[run.folder]
        left = 0 if was.state == "done" else max(run.steps - was.step, 0)
        rollout = run.record["rollout"]
        cost = left * rollout["num_prompts"] * rollout["num_generations"]
        seconds = left * (pace_of(run) or paces.get(run.arm, usual))
        whole, episodes = whole + seconds, episodes + cost
        tokens += cost * rollout["max_completion_length"]
        told = [one_line(run.name), was.state, str(left), f"{cost:,}"]
        time = clock(seconds) if seconds else ""
        table.add_row(*map(Text, [*told, time, run.id]))
    out.print(table)
    states = [found[run.folder].state for run in runs]
    counts = [f"{states.count(x)} {x}" for x in dict.fromkeys(states)]
    said = f"{len(runs)} runs ({', '.join(counts)}), {episodes:,} episodes to sample"
    said += f" (at most {tokens:,} tokens of the policy)" if tokens else ""
    if whole:
        said += f", about {clock(whole / jobs)} with --jobs={jobs}, warm-up and "
        said += "compilation apart"
    out.print(Text(said), soft_wrap=True)
    bases = {run.base for run in runs if run.base and found[run.folder].state == "new"}
    if bases:
        out.print(Text(f"{len(bases)} base policies to warm up, at most"))
    _few(grid, out)


def _few(grid: Grid, out: Console) -> None:
    """What too few seeds leave unsaid."""
    if len(grid.seeds) < 3:
        few = f"{len(grid.seeds)} seed{'s' * (len(grid.seeds) > 1)}: an interval of "
        few += "little use" if len(grid.seeds) == 2 else "nothing, and no winner"
        out.print(Text(f"the plan has {few}; five or more are better"), soft_wrap=True)


def pace_of(run: Planned) -> float:
    """Seconds that a step of a run took, the median; 0 where none was taken here."""
    times = [row["step_time"] for row in rows_of(run.folder) if row.get("step_time")]
    return float(np.median(times)) if times else 0.0
