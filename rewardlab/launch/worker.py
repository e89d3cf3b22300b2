"""A process that does runs one after another and keeps what it has compiled.

Orders come in on its standard input, a line of JSON each, and an answer goes out for
each. Runs of one order are done side by side (`runs.lanes`). A run that fails leaves
the worker to those that follow; one that asks Python on the host, or ends in a way that
nobody foresaw, has had a worker for itself.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

from rewardlab.system.forked import end_with_parent

GRID = "REWARDLAB_GRID"  # the environment variable that tells a run its grid's id
COMMAND = (sys.executable, "-m", "rewardlab.launch.served")
REFUSED = -1000  # of runs on another number of devices than this worker's others


def end_with_grid() -> None:
    """In a process that a grid began: its runs save and leave when the grid ends."""
    if grid := os.environ.pop(GRID, ""):
        end_with_parent(int(grid), signal.SIGTERM)


class Place(NamedTuple):
    """Where a worker runs: its cores (none: all) and its own environment variables."""

    cores: tuple[int, ...] = ()
    environment: Mapping[str, str] = {}


ANYWHERE = Place()


class Order(NamedTuple):
    """A run: the arguments of `rewardlab train`, and where its output goes.

    Without a log that is where this process's goes.
    """

    arguments: Sequence[str]
    log: Path | None = None

    def to_json(self) -> dict[str, Any]:
        """As a worker reads it."""
        log = str(self.log) if self.log else None
        return {"arguments": list(self.arguments), "log": log}


class Worker:
    """A worker's process, as the one who gives it runs has it; begun at the first.

    The thread that gives it its first run must outlive it: Linux ends it with that one.
    """

    def __init__(self, place: Place = ANYWHERE) -> None:
        self.place = place
        self.told = 0  # the signal to stop, if there was one
        self._process: subprocess.Popen[str] | None = None
        self._answers: IO[str] | None = None
        self._lock = threading.RLock()  # a signal comes in the middle of anything

    def run(self, *orders: Order) -> list[int]:
        """The exit status of each; several are done side by side.

        A worker that was killed, by whomever, has lost these alone: another one goes on
        with them, once. Below 0 is the signal that killed that one too.
        """
        status: list[int] = []
        for _ in range(2):
            status = self._done(orders)
            if min(status) >= 0 or self.told:
                break
        return status

    def stop(self, told: int) -> None:
        """Sends a signal to the process: told once, its runs save and leave."""
        with self._lock:
            self.told = told
            if self._process is not None and self._process.poll() is None:
                self._process.send_signal(told)

    def close(self) -> int:
        """Ends the process, once its runs are done; its exit status."""
        with self._lock:
            process, answers = self._process, self._answers
            self._process = self._answers = None
        if process is None or answers is None:
            return 0
        with contextlib.suppress(OSError):
            _orders(process).close()
        answers.close()
        return process.wait()

    def _done(self, orders: Sequence[Order]) -> list[int]:
        said = json.dumps([order.to_json() for order in orders]) + "\n"
        status: list[int] = []
        for _ in range(2):  # a new one does what the old one cannot
            answer = self._answer(said)
            if answer is None:
                ended = self.close()  # without a word; that was no good end
                return [128 + self.told if self.told else ended or 1] * len(orders)
            status = answer["status"]
            if answer["spent"]:
                self.close()
            if REFUSED not in status:
                break
        return [1 if x == REFUSED else x for x in status]

    def _answer(self, said: str) -> dict[str, Any] | None:
        """The answer to an order; None from a process that ended, or must not begin."""
        with self._lock:
            if self.told:
                return None
            process, answers = self._begun()
        try:
            _orders(process).write(said)
            _orders(process).flush()
            return json.loads(answers.readline() or "null")
        except (OSError, ValueError):  # cut short
            return None

    def _begun(self) -> tuple[subprocess.Popen[str], IO[str]]:
        if self._process is not None and self._answers is not None:
            return self._process, self._answers
        ours, theirs = os.pipe()
        cores = ",".join(map(str, self.place.cores))
        self._process = subprocess.Popen(
            [*COMMAND, str(theirs), cores],
            env={**os.environ, GRID: str(os.getpid()), **self.place.environment},
            stdin=subprocess.PIPE,
            pass_fds=(theirs,),
            process_group=0,  # so that Ctrl-C reaches it once, through us
            text=True,
        )
        os.close(theirs)
        self._answers = os.fdopen(ours)
        return self._process, self._answers


def _orders(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdin is not None
    return process.stdin
