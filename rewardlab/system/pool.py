"""A pool of worker processes for a function that may hang, crash or eat all memory."""

import atexit
import json
import os
import queue
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from rewardlab.system.answers import Failure

GRACE = 2.0  # seconds beyond the limit, at which a worker ends itself
STARTING = 120.0  # seconds in which a worker must have imported what it needs
_WORKER = Path(__file__).with_name("worker.py")


class Work(NamedTuple):
    """A function in a file of its own, and how it is asked."""

    file: Path
    function: str
    limit: float  # seconds an answer
    questions: int = 1000  # a worker is replaced after so many, as memory may leak
    megabytes: int = 2048  # of address space


class Pool:
    """As many workers as there are cores, begun when they are first needed.

    They end with this process, whichever way that ends, at most the limit later.
    """

    def __init__(self, work: Work, size: int = 0) -> None:
        self.work = work
        self.size = size or _cores()
        self._idle: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        for _ in range(self.size):
            self._idle.put(None)
        self._alive: set[_Worker] = set()
        atexit.register(self.close)

    def ask(self, questions: Sequence[Sequence[Any]]) -> list[Any | Failure]:
        """What the function says to each list of arguments, or why it says nothing."""
        with ThreadPoolExecutor(self.size) as threads:
            return list(threads.map(self._one, questions))

    def close(self) -> None:
        """Ends the workers; asked again, the pool begins others."""
        for worker in list(self._alive):
            self._end(worker)

    def _one(self, question: Sequence[Any]) -> Any | Failure:
        worker = self._idle.get()
        try:
            if worker is None or worker.process.poll() is not None:
                worker = self._begun()
            answer = worker.ask(question, self.work.limit)
            if worker.process.poll() is not None or worker.asked >= self.work.questions:
                self._end(worker)
                worker = None
            return answer
        except (OSError, EOFError, ValueError) as error:
            if worker is not None:
                self._end(worker)
                worker = None
            return Failure(False, f"its process cannot be asked: {error}")
        finally:
            self._idle.put(worker)

    def _begun(self) -> "_Worker":
        worker = _Worker(self.work)
        self._alive.add(worker)
        return worker

    def _end(self, worker: "_Worker") -> None:
        worker.process.kill()
        worker.process.communicate()
        self._alive.discard(worker)


def _cores() -> int:
    """How many this process may use; all, where the system does not say."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Worker:
    """A process that answers one question at a time."""

    def __init__(self, work: Work) -> None:
        how = [str(work.file), work.function, str(work.limit), str(work.megabytes)]
        self.process = subprocess.Popen(
            [sys.executable, "-P", str(_WORKER), *how],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.asked, self.ready = 0, False

    def ask(self, question: Sequence[Any], limit: float) -> Any | Failure:
        """Its answer, or why there is none; one that is late has ended the process."""
        if not self.ready:
            self.ready = self._line(STARTING) == b"ready\n"
            if not self.ready:
                raise EOFError("it does not start")
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(list(question)).encode() + b"\n")
        self.process.stdin.flush()
        self.asked += 1
        line = self._line(limit + GRACE)
        if not line:
            ended = self.process.wait()
            late = ended in (-signal.SIGALRM, -signal.SIGKILL)
            said = f"it took more than {limit} s" if late else "its process ended"
            return Failure(late, said)
        said = json.loads(line)
        return Failure(False, said["error"]) if "error" in said else said["value"]

    def _line(self, seconds: float) -> bytes:
        """The next line; none if the process ends, or is killed for being late."""
        assert self.process.stdout is not None
        if not select.select([self.process.stdout], [], [], seconds)[0]:
            self.process.kill()
        return self.process.stdout.readline()
