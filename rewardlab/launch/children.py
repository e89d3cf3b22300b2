"""The runs of a grid as processes: they stop when it is told to, and end with it."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rewardlab.system.forked import end_with_parent

GRID = "REWARDLAB_GRID"  # the environment variable that tells a run its grid's id
MEMORY = "XLA_PYTHON_CLIENT_MEM_FRACTION"
TRAIN = (sys.executable, "-m", "rewardlab", "train")
TOLD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):
    """The grid was told to stop; its argument is the exit status."""


def end_with_grid() -> None:
    """In a run that a grid began: it is told to save and leave when the grid ends."""
    if grid := os.environ.pop(GRID, ""):
        end_with_parent(int(grid), signal.SIGTERM)


class Children:
    """Runs of which `jobs` go on at a time, each in a process of its own.

    On a GPU each gets its share of the memory, of which JAX would take three quarters.
    """

    def __init__(self, jobs: int) -> None:
        self.environment = {**os.environ, GRID: str(os.getpid())}
        if jobs > 1:
            self.environment.setdefault(MEMORY, f"{0.9 / jobs:.2f}")
        self.told = 0  # the signal to stop, if there was one
        self.lock = threading.RLock()  # a signal comes in the middle of anything
        self.running: set[subprocess.Popen] = set()

    def run(self, arguments: Sequence[str], log: Path | None = None) -> int:
        """`rewardlab train` with the arguments; its exit status.

        Its output goes to `log`, or to where this process's goes. `Stopped` if the
        grid was told to stop, before or meanwhile.
        """
        command = [*TRAIN, *arguments]
        with open(log, "a") if log else _nothing() as out:
            with self.lock:
                if self.told:
                    raise Stopped(128 + self.told)
                # In a group of its own, so that Ctrl-C reaches it once, through us.
                child = subprocess.Popen(
                    command,
                    env=self.environment,
                    stdout=out,
                    stderr=out and subprocess.STDOUT,
                    process_group=0,
                )
                self.running.add(child)
            status = child.wait()
        with self.lock:
            self.running.discard(child)
        if self.told:
            raise Stopped(128 + self.told)
        return status

    def stop(self, told: int, frame: FrameType | None = None) -> None:
        """Asks all runs to save and leave; kills them when it is called again."""
        with self.lock:
            again, self.told = self.told, told
            left = list(self.running)
        what = "killed" if again else "told to save and leave; the same command goes on"
        said = f"{signal.Signals(told).name}: runs are {what} ({len(left)})\n"
        os.write(2, said.encode())  # print may be what the signal has interrupted
        for child in left:
            child.send_signal(signal.SIGKILL if again else signal.SIGTERM)

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
            for s, handler in before.items():
                signal.signal(s, handler)


@contextmanager
def _nothing() -> Iterator[None]:
    yield None
