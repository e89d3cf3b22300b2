"""Every estimator of METHODS on large arrays, against the memory it must move.

`python -m benchmarks.transforms --out estimators.jsonl` writes a line of JSON for each
row and shape as soon as it is measured, and prints tables at the end. An estimator
takes turns with a copy to a fresh array of the same size, and with torch's code for the
same thing if there is any and `--torch-python PATH/bin/python` is given. A turn is the
fastest of a few calls; what is reported of two is the median of the ratios of turns.
Rows of the same program are measured once; a row that fails says why, and the others go
on.
"""

import argparse
import concurrent.futures
import functools
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TextIO

import jax
import jax.numpy as jnp
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.estimators import Case, case
from benchmarks.torch_server import TORCH, TorchServer
from rewardlab import METHODS, Rollout

Line = dict[str, Any]
Turn = Callable[[], float]  # seconds
LEAST = 3  # turns, however slow
CALLS = 3  # in a turn, of which the fastest counts: others use the machine too


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", help="names of METHODS; all by default")
    parser.add_argument("--shapes", nargs="*", default=["1024x1024", "256x8192"])
    parser.add_argument("--repeats", type=int, default=25, help="turns, at most")
    parser.add_argument("--seconds", type=float, default=1.0, help="about, for a row")
    parser.add_argument("--torch-python", help="the interpreter of an environment")
    parser.add_argument("--out", type=argparse.FileType("a"), default=sys.stdout)
    args = parser.parse_args()
    torch = TorchServer(args.torch_python) if args.torch_python else None
    console, tables = Console(stderr=True), []
    for shape in args.shapes:
        lines = []
        with Progress(console=console) as progress:
            for line in _measured(shape, args, torch, progress):
                _write(line, args.out)
                lines.append(line)
        tables.append(_table(shape, lines))
    console.print(*tables)


def _write(line: Line, out: TextIO) -> None:
    print(json.dumps(line), file=out, flush=True)


def _measured(
    shape: str, args: argparse.Namespace, torch: TorchServer | None, progress: Progress
) -> Iterator[Line]:
    """A line for each row: programs are compiled side by side, then run alone."""
    rows, tokens = (int(n) for n in shape.split("x"))
    names = args.only or list(METHODS)
    task = progress.add_task(f"{shape}: compiling", total=len(names))
    found: dict[str, tuple[str, Case, Any]] = {}  # by program
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for name in names:
            line = {"estimator": name, "rows": rows, "tokens": tokens}
            try:
                made = case(name, rows, tokens)
            except Exception as e:  # the table has many other rows
                yield {**line, "error": _said(e)}
                continue
            if (program := made.program) in found:
                yield {**line, "same_program_as": found[program][0]}
                progress.advance(task)
                continue
            future = pool.submit(_compile, made)
            future.add_done_callback(lambda _: progress.advance(task))
            found[program] = name, made, future
    progress.reset(task, total=len(found), description=f"{shape}: running")
    for name, made, future in progress.track(found.values(), task_id=task):
        line = {"estimator": name, "rows": rows, "tokens": tokens}
        try:
            run, seconds = future.result()
            turns = _turns(name, made, run, torch)
            taken = _take(turns, args.repeats, args.seconds)
            yield {**line, "compile_s": seconds, **_figures(made, taken)}
        except Exception as e:  # as above
            yield {**line, "error": _said(e)}


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _compile(made: Case) -> tuple[Any, float]:
    began = time.perf_counter()
    run = made.traced.lower().compile()
    return run, round(time.perf_counter() - began, 2)


def _turns(
    name: str, made: Case, run: Callable[[Rollout], Any], torch: TorchServer | None
) -> dict[str, Turn]:
    rows, tokens = made.rollout.mask.shape
    source = jnp.zeros((rows, tokens))
    turns: dict[str, Turn] = {
        "copy": lambda: _seconds(_copy, source),
        "ours": lambda: _seconds(run, made.rollout),
    }
    if torch:
        for theirs, (ours, _) in TORCH.items():
            if ours == name:
                ask = f"{theirs} {rows} {tokens}"
                turns[theirs] = functools.partial(torch.seconds, ask)
    return turns


_copy = jax.jit(lambda x: x + 1)


def _seconds(f: Callable[[Any], Any], x: Any) -> float:
    began = time.perf_counter()
    jax.block_until_ready(f(x))
    return time.perf_counter() - began


def _take(turns: dict[str, Turn], repeats: int, seconds: float) -> list[Line]:
    """Seconds of each in every turn; one way round, then the other."""
    for turn in turns.values():
        turn()  # warm
    began, taken = time.perf_counter(), []
    for i in range(repeats):
        order = list(turns) if i % 2 else list(turns)[::-1]
        taken.append({key: min(turns[key]() for _ in range(CALLS)) for key in order})
        if time.perf_counter() - began > seconds and len(taken) >= LEAST:
            break
    return taken


def _figures(made: Case, taken: list[Line]) -> Line:
    both = 2 * made.copied  # a copy reads once and writes once
    floor = [turn["copy"] * made.moved / both for turn in taken]
    median = {key: statistics.median(turn[key] for turn in taken) for key in taken[0]}
    fastest = {key: min(turn[key] for turn in taken) for key in taken[0]}
    line = {
        "ms": round(1e3 * median["ours"], 3),
        "fastest_ms": round(1e3 * fastest["ours"], 3),
        "bytes": made.moved,
        "copy_gb_per_s": round(both / median["copy"] / 1e9, 2),
        "times_floor": _median_ratio((t["ours"] for t in taken), floor),
        "turns": len(taken),
        "recursion": made.recursion,
        "sorts": made.sorts,
    }
    theirs = {
        key: {
            "ms": round(1e3 * median[key], 3),
            "fastest_ms": round(1e3 * fastest[key], 3),
            "times_ours": _median_ratio(
                (t[key] for t in taken), (t["ours"] for t in taken)
            ),
            "wanted": TORCH[key][1],
        }
        for key in median
        if key in TORCH
    }
    return {**line, "torch": theirs} if theirs else line


def _median_ratio(over: Iterable[float], under: Iterable[float]) -> float:
    ratios = (a / b for a, b in zip(over, under, strict=True))
    return round(statistics.median(ratios), 2)


def _table(shape: str, lines: list[Line]) -> Table:
    """Slowest first, in times of the floor; those without a recursion on top."""
    table = Table(title=shape)
    for column in ("estimator", "ms", "MB", "times the floor", "", "times torch's"):
        table.add_column(column, justify="left" if column == "estimator" else "right")
    timed = [line for line in lines if "ms" in line]
    timed.sort(key=lambda line: (line["recursion"], -line["times_floor"]))
    for line in timed:
        kind = "recursion" if line["recursion"] else "sorts" if line["sorts"] else ""
        torch = line.get("torch", {}).items()
        table.add_row(
            line["estimator"],
            f"{line['ms']:.2f}",
            f"{line['bytes'] / 1e6:.1f}",
            f"{line['times_floor']:.1f}",
            kind,
            "\n".join(f"{name}: {x['times_ours']}" for name, x in torch),
        )
    for line in lines:
        if "error" in line:
            table.add_row(line["estimator"], line["error"])
    return table


if __name__ == "__main__":
    main()
