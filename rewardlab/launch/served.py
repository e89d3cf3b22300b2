"""What a worker's process does: see `launch.worker`, which begins it."""

import contextlib
import functools
import gc
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import IO, Any

from rewardlab.launch import train
from rewardlab.launch.worker import REFUSED, end_with_grid
from rewardlab.runs.alike import Kept, programs_kept
from rewardlab.runs.console import printed_to
from rewardlab.runs.interrupts import Stop, runs_begun
from rewardlab.runs.lanes import side_by_side

TOLD = (signal.SIGTERM, signal.SIGINT)


def serve(orders: IO[str], answers: IO[str]) -> None:
    """Does what it is told to, until nobody tells it any more or it is spent."""
    devices: set[int] = set()
    with programs_kept() as kept:
        for line in orders:
            answer = _answer(json.loads(line), devices, kept)
            gc.collect()
            print(json.dumps(answer), file=answers, flush=True)
            if answer["spent"]:
                return


def _answer(
    order: list[dict[str, Any]], devices: set[int], kept: Kept
) -> dict[str, Any]:
    """The exit statuses of an order's runs, and whether none may follow them here."""
    kept.alone = False
    runs = [functools.partial(_of_devices, x["arguments"], devices) for x in order]
    if len(order) == 1:
        with _written_to(order[0]["log"]):
            done = [_ended(runs[0], sys.stderr)]
    else:
        logged = [
            functools.partial(_logged, run, x["log"])
            for run, x in zip(runs, order, strict=True)
        ]
        with runs_begun() as begun, _told_to_stop(begun):
            found = side_by_side(logged)
        done = [x if isinstance(x, tuple) else (1, False) for x in found]
    spent = kept.alone or not all(sound for _, sound in done)
    return {"status": [status for status, _ in done], "spent": spent}


def _of_devices(arguments: Sequence[str], devices: set[int]) -> None:
    """A run, on as many devices as all others here: JAX makes those of a CPU once."""
    with contextlib.suppress(ValueError):  # which the run says itself
        devices.add(train.devices_of(arguments))
        if len(devices) > 1:
            sys.exit(REFUSED)
    train.main(arguments)


def _ended(run: Callable[[], None], errors: IO[str]) -> tuple[int, bool]:
    """The exit status of a run, and whether another one may follow it here."""
    try:
        run()
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=errors)
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        return status, 0 <= status < 128  # else refused, or told to stop
    except BaseException:  # whatever a run ends with, the answer is its status
        traceback.print_exc(file=errors)
        return 1, False
    return 0, True


def _logged(run: Callable[[], None], log: str) -> tuple[int, bool]:
    """As `_ended`, with a file of its own for what the run says."""
    with open(log, "a", buffering=1) as file, printed_to(file):
        return _ended(run, file)


@contextlib.contextmanager
def _told_to_stop(begun: list[Stop]) -> Iterator[None]:
    """Meanwhile a signal tells all lanes to leave after their step; a second ends."""

    def tell(number: int, _: FrameType | None) -> None:
        if any(stop.told for stop in begun):
            os._exit(128 + number)
        for stop in begun:
            stop.told = number

    before = {told: signal.signal(told, tell) for told in TOLD}
    try:
        yield
    finally:
        for told, handler in before.items():
            signal.signal(told, handler)


@contextlib.contextmanager
def _written_to(log: str | None) -> Iterator[None]:
    """Meanwhile all that this process writes goes to the end of a file."""
    if log is None:
        yield
        return
    own = {stream: os.dup(stream.fileno()) for stream in (sys.stdout, sys.stderr)}
    with open(log, "a") as file:
        for stream in own:
            os.dup2(file.fileno(), stream.fileno())
    try:
        yield
    finally:
        for stream, fd in own.items():
            stream.flush()
            os.dup2(fd, stream.fileno())
            os.close(fd)


def main(arguments: Sequence[str]) -> None:
    """The process: the number of the pipe to answer on, and its cores."""
    answers, cores = int(arguments[0]), arguments[1]
    os.set_inheritable(answers, False)
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, map(int, cores.split(",")))
    end_with_grid()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    with os.fdopen(answers, "w") as pipe:
        serve(sys.stdin, pipe)


if __name__ == "__main__":
    main(sys.argv[1:])
