"""What a person sees of a run: a live line, samples, and a table at the end.

Where the output is not a terminal (a file, a scheduler's log) the live line becomes one
plain line for every tenth of the run.
"""

import contextlib
import importlib.util
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import IO, NamedTuple, Protocol

import rich.box
import rich.console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from rewardlab.analysis.statistics import Interval
from rewardlab.runs.metrics import Row
from rewardlab.system.printable import visible


class Show(Protocol):
    """Told of the steps done and the newest metrics; a note stays until the next."""

    def __call__(self, step: int, row: Row, note: str | None = None) -> None: ...


class Column(NamedTuple):
    """One number of the progress line: its label, the metric, how it is written."""

    label: str
    name: str
    form: str


TRAINING = (
    Column("reward", "reward/mean", "{:.2f}"),
    Column("right", "rewards/correct/mean", "{:.0%}"),
    Column("length", "completions/mean_length", "{:.1f}"),
    Column("tok/s", "tokens_per_sec", "{:,.0f}"),
)
WARMUP = (Column("loss", "loss", "{:.3f}"), Column("right", "accuracy", "{:.0%}"))


_MARKS = {True: ("✓", "green"), False: ("✗", "red"), None: ("·", "")}


class Sample(NamedTuple):
    """A completion to look at."""

    prompt: str
    completion: str
    right: bool | None  # None where nobody says


_file: ContextVar[IO[str] | None] = ContextVar("file", default=None)


@contextlib.contextmanager
def printed_to(file: IO[str]) -> Iterator[None]:
    """Inside, what runs say goes to a file."""
    token = _file.set(file)
    try:
        yield
    finally:
        _file.reset(token)


class Console:
    """Prints to `out`; anything else that prints meanwhile must go through `say`."""

    def __init__(self, out: rich.console.Console | None = None) -> None:
        self.out = out or _console(_file.get())

    def speak(self, loud: bool) -> None:
        """Whether anything is printed from now on."""
        self.out.quiet = not loud

    def say(self, text: str) -> None:
        """One line of text, as it is."""
        self.out.print(Text(text), soft_wrap=True)

    @contextlib.contextmanager
    def progress(
        self, title: str, total: int, columns: Sequence[Column], done: int = 0
    ) -> Iterator[Show]:
        """A line that is told of steps `done` + 1 to `total` and keeps time."""
        watch, noted = _Watch(total), [""]
        lines = _live if self.out.is_interactive or _has_widgets(self.out) else _plain
        with lines(self.out, title, total, done) as draw:

            def show(step: int, row: Row, note: str | None = None) -> None:
                if note is not None:
                    noted[0] = note
                words = (noted[0], _numbers(columns, row), watch.left(step))
                draw(step, "  ".join(word for word in words if word))

            yield show

    def samples(self, title: str, samples: Sequence[Sample]) -> None:
        """Completions under a title: right ones green, wrong ones red, if known."""
        table = Table(box=None, padding=(0, 1), title_justify="left", title=Text(title))
        table.show_header = False
        for sample in samples:
            mark, style = _MARKS[sample.right]
            table.add_row(
                Text(mark, style),
                Text(visible(sample.prompt)),
                Text(visible(sample.completion), style),
            )
        self.out.print(table)

    def result(
        self,
        shares: Mapping[str, tuple[Interval, Interval]],
        seconds: Mapping[str, float],
        files: Mapping[str, str | Path],
    ) -> None:
        """The end of a run: shares before and after, what it took, where it lies.

        `files` are paths, or commands that show what lies there.
        """
        if shares:
            table = Table(box=rich.box.SIMPLE_HEAD)
            table.add_column("held-out problems")
            table.add_column("before", justify="right")
            table.add_column("after", justify="right", style="bold")
            for name, (before, after) in shares.items():
                table.add_row(name, _share(before), _share(after))
            self.out.print(table)
            self.say("95 % Wilson intervals over the problems")
        for name, (before, after) in shares.items():
            if after.mean < before.mean:
                apart = "" if after.high < before.low else "; the intervals overlap"
                self.say(
                    f"held-out {name} is below where the run began: "
                    f"{100 * after.mean:.1f} % for {100 * before.mean:.1f} %{apart}"
                )
        self.say("   ".join(f"{name} {clock(s)}" for name, s in seconds.items()) + "\n")
        width = max(map(len, files), default=0)
        for name, path in files.items():
            self.say(f"{name:{width}}  {_short(path)}")


class _Watch:
    """Time left, reckoned from the steps after the first: that one compiles."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.start = time.monotonic()
        self.first: tuple[int, float] | None = None

    def left(self, step: int) -> str:
        now = time.monotonic()
        if step >= self.total:
            return f"took {clock(now - self.start)}"
        begun, at = self.first = self.first or (step, now)
        if step <= begun:
            return "left ?"
        return f"left {clock((now - at) / (step - begun) * (self.total - step))}"


def _console(file: IO[str] | None) -> rich.console.Console:
    """Of a log, or of where this process prints. A log is no terminal, though a
    notebook's FORCE_COLOR, which its workers inherit, says so."""
    terminal = None if file is None else False
    return rich.console.Console(highlight=False, file=file, force_terminal=terminal)


def _has_widgets(out: rich.console.Console) -> bool:
    """Whether this is a notebook that can draw over what it has drawn, as Colab's."""
    return out.is_jupyter and importlib.util.find_spec("ipywidgets") is not None


Draw = Callable[[int, str], None]


@contextlib.contextmanager
def _live(
    out: rich.console.Console, title: str, total: int, done: int
) -> Iterator[Draw]:
    columns = (
        TextColumn("[bold]{task.description}"),
        BarColumn(bar_width=max(3, min(20, out.width - 80))),
        TextColumn("{task.completed}/{task.total}"),
        TextColumn("{task.fields[text]}"),
    )
    with Progress(*columns, console=out, refresh_per_second=4) as progress:
        task = progress.add_task(title, total=total, completed=done, text="compiling")
        yield lambda step, text: progress.update(task, completed=step, text=text)


@contextlib.contextmanager
def _plain(
    out: rich.console.Console, title: str, total: int, done: int
) -> Iterator[Draw]:
    every = max(1, -(-total // 10))

    def draw(step: int, text: str) -> None:
        if step % every == 0 or step == total:
            line = f"{title}  {step:{len(str(total))}}/{total}  {text}"
            out.print(Text(line), soft_wrap=True)

    yield draw


def _numbers(columns: Sequence[Column], row: Row) -> str:
    """The columns that the row has: `reward 0.75  right 61%`."""
    words = []
    for label, name, form in columns:
        if (value := row.get(name)) is not None:
            words.append(f"{label} {form.format(value)}")
    return "  ".join(words)


def _share(interval: Interval) -> str:
    mean, low, high = (100 * x for x in interval)
    return f"{mean:.1f} % [{low:.1f}, {high:.1f}]"


def clock(seconds: float) -> str:
    """`0:07`, `1:15`, `2:03:00`."""
    minutes, s = divmod(round(seconds), 60)
    hours, m = divmod(minutes, 60)
    return f"{hours}:{m:02}:{s:02}" if hours else f"{m}:{s:02}"


def _short(where: str | Path) -> str:
    """A path as a person here would type it; a text stays."""
    if isinstance(where, Path) and where.absolute().is_relative_to(Path.cwd()):
        return str(where.absolute().relative_to(Path.cwd()))
    return str(where)
