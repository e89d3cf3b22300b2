"""The files that a run writes, each as far as the step that it has reached.

    metrics.jsonl                        one line a step, always
    tensorboard/events.out.tfevents.*    the same numbers, always
    completions/completions_00010.jsonl  one line a completion, when asked

A run that resumes from step k first cuts these files back to step k, so that they end
as those of a run that was never interrupted, `metrics.WALL_CLOCK` apart.
"""

import contextlib
import json
import os
import secrets
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.proto.summary_pb2 import Summary

from rewardlab.runs.metrics import Metrics, Row, plain
from rewardlab.runs.rows import cut_back, parsed
from rewardlab.system.files import naming, short, sync, write_whole
from rewardlab.system.processes import is_first


class Sink(NamedTuple):
    """One place that metrics go to; any pair of functions will do."""

    write: Callable[[int, Row], None]
    close: Callable[[], None]


class Sinks:
    """All that a run writes down, in `workdir`, by one process: of several the first.

    `resume_step` is the step of the checkpoint that the run continues from, None for a
    run from the beginning: what lies after it is cut off first. Write a step's metrics,
    then `settle`, then save its checkpoint, else a kill in between loses the line.
    """

    def __init__(
        self,
        workdir: str | os.PathLike,
        resume_step: int | None = None,
        others: tuple[Sink, ...] = (),
    ) -> None:
        self.workdir, self.writes = Path(workdir), is_first()
        self.sinks: tuple[Sink, ...] = ()
        self._unsettled: list[dict[str, Any]] = []
        if not self.writes:
            return
        self.workdir.mkdir(parents=True, exist_ok=True)
        kept = -1 if resume_step is None else resume_step
        cut_back(self.workdir, kept)
        own = json_lines(self.workdir), tensorboard(self.workdir, kept + 1)
        self.sinks = (*own, *others)

    def write(self, step: int, metrics: Metrics) -> Row:
        """Writes one step everywhere; gives back the numbers that were written."""
        row = plain(metrics)
        for sink in self.sinks:
            sink.write(step, row)
        self._unsettled.append({"step": step, **row})
        return row

    def settle(self) -> list[dict[str, Any]]:
        """Waits until all metrics are on the disk; the rows that were not before."""
        if self.writes:
            sync(self.workdir / "metrics.jsonl")
        rows, self._unsettled = self._unsettled, []
        return rows

    def write_completions(self, step: int, lines: Iterable[dict[str, Any]]) -> Path:
        """Writes `completion_lines` to the file of that step, and gives its path."""
        file = self.workdir / "completions" / f"completions_{step:05d}.jsonl"
        file.parent.mkdir(exist_ok=True)
        text = "".join(json.dumps({"step": step, **x}) + "\n" for x in lines)
        write_whole(file, text)
        return file

    def close(self) -> None:
        with contextlib.ExitStack() as stack:  # all of them, whatever one raises
            for sink in self.sinks:
                stack.callback(sink.close)

    def __enter__(self) -> "Sinks":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def json_lines(workdir: Path) -> Sink:
    """`metrics.jsonl`: `{"step": 1, "reward/mean": 0.5, ...}`, flushed every step."""
    path = workdir / "metrics.jsonl"
    file = path.open("a")

    def write(step: int, row: Row) -> None:
        with naming(path):
            file.write(json.dumps({"step": step, **row}) + "\n")
            file.flush()

    return Sink(write, file.close)


def tensorboard(workdir: Path, purge_step: int) -> Sink:
    """TensorBoard event files; what they held from `purge_step` on is hidden."""
    folder = workdir / "tensorboard"
    folder.mkdir(exist_ok=True)
    # Named to the nanosecond: a restart within a second must not reuse the file. Not
    # `SummaryWriter`, whose thread a full disk ends without a word.
    suffix = f".{time.time_ns() % 10**9:09d}"
    writer = EventsWriter(str(folder / "events"), suffix)

    def add(step: int, **what: Any) -> None:
        with naming(folder):
            writer.write_event(Event(wall_time=time.time(), step=step, **what))
            writer.flush()

    def write(step: int, row: Row) -> None:
        # One event for the whole row: ten times cheaper than one for each scalar.
        values = [
            Summary.Value(tag=name, simple_value=x)
            for name, x in row.items()
            if x is not None
        ]
        add(step, summary=Summary(value=values))

    add(purge_step, session_log=SessionLog(status=SessionLog.START))
    return Sink(write, writer.close)


def weights_and_biases(workdir: str | os.PathLike, **init: Any) -> Sink:
    """Weights & Biases (`pip install wandb`); `init` is `wandb.init`'s arguments.

    The run's id is kept in the workdir, so that a resumed run continues it; W&B ignores
    the steps that it already has.
    """
    try:
        import wandb
    except ImportError:
        raise ValueError(
            "the W&B sink needs a package: run `pip install wandb`, or switch it off"
        ) from None
    file = Path(workdir) / "wandb_id.txt"
    if not file.exists() or not file.read_text():
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, secrets.token_hex(4))
    settings = {"dir": str(workdir), "id": file.read_text(), "resume": "allow"}
    run = wandb.init(**settings, **init)

    def write(step: int, row: Row) -> None:
        run.log({name: x for name, x in row.items() if x is not None}, step=step)

    return Sink(write, run.finish)


def read_metrics(file: str | os.PathLike) -> list[dict[str, Any]]:
    """The lines of a `metrics.jsonl`; a last line that was cut short is left out.

    Any other line that is no row is a `ValueError` that names file and line.
    """
    rows, damaged = parsed(Path(file))
    if damaged:
        raise ValueError(
            f"{short(Path(file))} line {damaged[0]} is not a row of metrics; go on "
            "with the run to have it mended, or delete that line"
        )
    return rows
