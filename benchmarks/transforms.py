"""Every estimator of METHODS on large arrays, against the memory it must move.

`python -m benchmarks.transforms` prints a table and a line of JSON each: milliseconds
(median of interleaved repetitions), the bytes of what it reads and of its result, and
how many times longer it takes than a fresh copy of as many bytes in the same run.
`--torch-python PATH/bin/python` lets torch take its turns and prints the ratios.
"""

import argparse
import json
import statistics
import subprocess
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from rich.console import Console
from rich.table import Table

from benchmarks.estimators import Case, cases

SHAPES = ((1024, 1024), (256, 8192))  # rows and tokens, in groups of 8
TORCH = {  # theirs: ours, and how many times faster ours has to be
    "gae_loop": ("gae", 10),
    "grpo_loop": ("grpo", 1),
    "grpo_vectorised": ("grpo", 1),
    "rloo_loop": ("rloo", 1),
    "rloo_vectorised": ("rloo", 1),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--only", nargs="*", help="names of METHODS; all by default")
    parser.add_argument("--torch-python", help="the interpreter of an environment")
    args = parser.parse_args()
    torch = _server(args.torch_python) if args.torch_python else None
    for rows, tokens in SHAPES:
        found, skipped = cases(rows, tokens, args.only)
        took = _times(found, rows, tokens, torch, args.repeats)
        _report(found, took, rows, tokens)
        for name, why in skipped.items():
            print(json.dumps({"estimator": name, "skipped": why}))


def _server(python: str) -> subprocess.Popen[str]:
    command = [python, "-m", "benchmarks.torch_transforms"]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)


def _times(
    found: list[Case],
    rows: int,
    tokens: int,
    torch: subprocess.Popen[str] | None,
    repeats: int,
) -> dict[str, float]:
    """Median seconds of each, all in turns."""
    run: dict[str, Callable[[], float]] = {
        case.name: lambda case=case: _seconds(case.run, case.rollout) for case in found
    }
    run |= _bandwidth(rows, tokens)
    if torch:
        run |= {
            name: lambda name=name: _ask(torch, f"{name} {rows} {tokens}")
            for name, (ours, _) in TORCH.items()
            if ours in run
        }
    for once in run.values():
        once()
    seen: dict[str, list[float]] = {name: [] for name in run}
    for _ in range(repeats):
        for name, once in run.items():
            seen[name].append(once())
    return {name: statistics.median(times) for name, times in seen.items()}


def _bandwidth(rows: int, tokens: int) -> dict[str, Callable[[], float]]:
    """An addition in place, and one that writes a fresh array."""
    held = [jnp.zeros((rows, tokens))]
    fresh = jax.jit(lambda x: x + 1)
    in_place = jax.jit(lambda x: x + 1, donate_argnums=0)
    source = jnp.zeros((rows, tokens))

    def add() -> float:
        began = time.perf_counter()
        held[0] = in_place(held[0]).block_until_ready()
        return time.perf_counter() - began

    return {"add in place": add, "fresh copy": lambda: _seconds(fresh, source)}


def _seconds(f: Callable[[Any], Any], x: Any) -> float:
    began = time.perf_counter()
    jax.block_until_ready(f(x))
    return time.perf_counter() - began


def _ask(server: subprocess.Popen[str], line: str) -> float:
    assert server.stdin and server.stdout
    server.stdin.write(line + "\n")
    server.stdin.flush()
    return float(server.stdout.readline())


def _report(found: list[Case], took: dict[str, float], rows: int, tokens: int) -> None:
    both = 2 * 4 * rows * tokens  # read once and written once
    rate = {name: both / took[name] for name in ("add in place", "fresh copy")}
    table = Table(title=f"{rows} x {tokens}")
    for column in ("estimator", "ms", "MB", "times the floor", "recursion"):
        table.add_column(column, justify="left" if column == "estimator" else "right")
    for case in found:
        floor = case.moved / rate["fresh copy"]
        line = {
            "estimator": case.name,
            "rows": rows,
            "tokens": tokens,
            "ms": round(1e3 * took[case.name], 3),
            "bytes": case.moved,
            "times_floor": round(took[case.name] / floor, 2),
            "recursion": case.recursion,
        }
        cells = (case.name, f"{line['ms']:.2f}", f"{case.moved / 1e6:.1f}")
        mark = "yes" if case.recursion else ""
        table.add_row(*cells, f"{line['times_floor']:.1f}", mark)
        print(json.dumps(line))
    shape = {"rows": rows, "tokens": tokens}
    rates = {
        f"{k.replace(' ', '_')}_gb_per_s": round(v / 1e9, 2) for k, v in rate.items()
    }
    print(json.dumps({**shape, **rates}))
    for theirs, (ours, least) in TORCH.items():
        if theirs in took:
            ratio = round(took[theirs] / took[ours], 2)
            line = {"torch": theirs, "ms": round(1e3 * took[theirs], 3)}
            print(json.dumps({**shape, **line, "times_faster": ratio, "wanted": least}))
    Console().print(table)


if __name__ == "__main__":
    main()
