"""The runs of a grid while they go on: a live table, or plain lines in a pipe."""

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import rich.box
from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from rewardlab.launch.launchers import Ended
from rewardlab.launch.plan import Planned
from rewardlab.runs.console import clock
from rewardlab.runs.rows import rows_of
from rewardlab.system.printable import one_line

EVERY = 2.0  # seconds between two looks at what runs have written
BAR, NARROW = 16, 80  # columns of a bar, and of a terminal that has none
OTHERS = 45  # columns of a table besides names and bars
_COLOURS = {"done": "green", "failed": "red", "runs": "bold", "stopped": "yellow"}


class Progress(NamedTuple):
    """How far a run is, from its metrics."""

    step: int = 0
    score: float | None = None  # held-out pass@1, the last that was measured
    pace: float = 0.0  # seconds a step, over the last ten


def progress_of(run: Planned) -> Progress:
    """What its metrics say now."""
    rows = rows_of(run.folder)
    if not rows:
        return Progress()
    scores = [x for row in rows if (x := row.get("eval/pass@1")) is not None]
    times = [row["step_time"] for row in rows[-10:] if row.get("step_time")]
    pace = sum(times) / len(times) if times else 0.0
    return Progress(rows[-1]["step"], scores[-1] if scores else None, pace)


class Board:
    """State, progress, score and time left of every run, and of the whole."""

    def __init__(
        self, runs: Sequence[Planned], done: Sequence[Planned], jobs: int, out: Console
    ) -> None:
        self.runs, self.jobs, self.out = list(runs), jobs, out
        self.states = {run.folder: "waits" for run in runs}
        self.states |= {run.folder: "done" for run in done}
        self.errors: dict[Path, str] = {}
        self.began: dict[Path, float] = {}
        self.took: list[float] = []
        self.seen = {run.folder: progress_of(run) for run in done}

    def told(self, ended: Ended) -> None:
        """A run has begun or ended; said in a line where nobody looks at the table."""
        run, state, error = ended
        self.states[run.folder] = state
        began = self.began.setdefault(run.folder, time.monotonic())
        over = state not in ("waits", "runs")
        if over:
            self.took.append(time.monotonic() - began)
        self.seen[run.folder] = progress = progress_of(run)
        if error:
            self.errors[run.folder] = error
        if not self.out.is_terminal:
            score = "" if progress.score is None else f"  pass@1 {progress.score:.3f}"
            took = f"  took {clock(self.took[-1])}" if over else ""
            why = f"  {error}" if error else ""
            line = one_line(f"{run.name}: {state}{took}{score}{why}")
            self.out.print(Text(line), soft_wrap=True)

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Inside, the table is drawn anew every few seconds, on a terminal."""
        if not self.out.is_terminal:
            yield
            return
        ended = threading.Event()
        with Live(self.table(), console=self.out, auto_refresh=False) as live:

            def look() -> None:
                while not ended.wait(EVERY):
                    self._look()
                    live.update(self.table(), refresh=True)

            thread = threading.Thread(target=look, daemon=True)
            thread.start()
            try:
                yield
            finally:
                ended.set()
                thread.join()
                self._look()
                live.update(self.table(), refresh=True)

    def _look(self) -> None:
        for run in self.runs:
            if self.states[run.folder] == "runs":
                self.seen[run.folder] = progress_of(run)

    def table(self) -> Table:
        """As many runs as the terminal has lines for: those that go on stay in it.

        Names give way to the numbers, and on a narrow terminal so does the bar.
        """
        table = Table(box=rich.box.SIMPLE_HEAD, caption=self.whole())
        bar = BAR if self.out.width >= NARROW else 0
        rest = OTHERS + (bar + 2 if bar else 0)
        table.add_column("run", no_wrap=True, max_width=max(self.out.width - rest, 12))
        table.add_column("", no_wrap=True, min_width=7)
        if bar:
            table.add_column("progress", no_wrap=True, width=bar)
        for name in ("step", "pass@1", "left"):
            table.add_column(name, justify="right", no_wrap=True)
        room = max(self.out.height - 7, 3)
        order = sorted(self.runs, key=lambda run: self.states[run.folder] != "runs")
        shown = {run.folder for run in order[:room]}
        for run in (run for run in self.runs if run.folder in shown):
            table.add_row(*self._row(run, bar))
        if hidden := len(self.runs) - len(shown):
            table.add_row(Text(f"and {hidden} more", "dim"))
        return table

    def _row(self, run: Planned, bar: int) -> list[Text | ProgressBar]:
        state, now = self.states[run.folder], self.seen.get(run.folder, Progress())
        style = _COLOURS.get(state, "dim")
        left = self._left(run) if state == "runs" and now.pace else None
        return [
            Text(one_line(run.name), style, overflow="ellipsis"),
            Text(state, style),
            *([ProgressBar(run.steps, min(now.step, run.steps), bar)] if bar else []),
            Text(f"{now.step}/{run.steps}" if now.step else ""),
            Text("" if now.score is None else f"{now.score:.3f}"),
            Text("" if left is None else clock(left)),
        ]

    def _left(self, run: Planned) -> float:
        now = self.seen.get(run.folder, Progress())
        return (run.steps - now.step) * now.pace

    def whole(self) -> str:
        """`12 of 30 done, 1 failed, about 18:20 left`."""
        states = list(self.states.values())
        said = [f"{states.count('done')} of {len(states)} done"]
        if failed := states.count("failed"):
            said.append(f"{failed} failed")
        going = [run for run in self.runs if self.states[run.folder] == "runs"]
        if self.took:
            each = sum(self.took) / len(self.took)
            rest = sum(self._left(run) for run in going) + each * states.count("waits")
            said.append(f"about {clock(rest / self.jobs)} left")
        return ", ".join(said)
