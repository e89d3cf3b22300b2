"""The workers of a grid: they stop when it is told to, and end with it."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

from rewardlab.launch.worker import Order

TOLD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):
    """The grid was told to stop; its argument is the exit status."""


class Runner(Protocol):
    """Does runs one after another, or several side by side: see `launch.worker`."""

    def run(self, *orders: Order) -> list[int]: ...

    def stop(self, told: int) -> None: ...

    def close(self) -> object: ...


class Children:
    """A worker for each thread that has runs to do; `begin(i)` makes number i."""

    def __init__(self, begin: Callable[[int], Runner]) -> None:
        self.begin = begin
        self.told = 0  # the signal to stop, if there was one
        self.lock = threading.RLock()  # a signal comes in the middle of anything
        self.workers: dict[int, Runner] = {}

    def run(self, *orders: Order) -> list[int]:
        """The exit status of each run; several are done side by side.

        `Stopped` if the grid was told to stop, before or meanwhile.
        """
        with self.lock:
            if self.told:
                raise Stopped(128 + self.told)
            own = threading.get_ident()
            if own not in self.workers:
                self.workers[own] = self.begin(len(self.workers))
            worker = self.workers[own]
        status = worker.run(*orders)
        if self.told:
            raise Stopped(128 + self.told)
        return status

    def stop(self, told: int, frame: FrameType | None = None) -> None:
        """Asks all runs to save and leave; kills them when it is called again."""
        with self.lock:
            again, self.told = self.told, told
            left = list(self.workers.values())
        what = "killed" if again else "told to save and leave; the same command goes on"
        said = f"{signal.Signals(told).name}: runs are {what} ({len(left)})\n"
        os.write(2, said.encode())  # print may be what the signal has interrupted
        for worker in left:
            worker.stop(signal.SIGKILL if again else signal.SIGTERM)

    @contextmanager
    def told_to_stop(self) -> Iterator[None]:
        """Meanwhile Ctrl-C, SIGTERM and a terminal that closes mean `stop`."""
        before = {s: signal.getsignal(s) for s in TOLD}
        for s, handler in before.items():
            if handler != signal.SIG_IGN:  # as nohup has it
                signal.signal(s, self.stop)
        try:
            yield
        finally:
            for worker in self.workers.values():
                worker.close()
            for s, handler in before.items():
                signal.signal(s, handler)
