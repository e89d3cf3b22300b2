"""How the runs of a plan are done: the protocol, and who does them on this machine."""

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from rewardlab.launch.children import Children, Stopped
from rewardlab.launch.kept import write_run
from rewardlab.launch.plan import Planned, begins_from

LOG = "log.txt"
_AGAIN = 0.5  # seconds between two looks for a run that can begin


class Ended(NamedTuple):
    """A run whose state has changed: it runs, is done, has failed or was stopped."""

    run: Planned
    state: str
    error: str = ""


class Launcher(Protocol):
    """Begins runs, and says what becomes of each as it happens.

    Every run gets `run.json` and `log.txt` in its folder. A run that fails stops no
    other.
    """

    def __call__(self, runs: Sequence[Planned]) -> Iterator[Ended]: ...


class Local:
    """Processes on this machine, never more than `jobs` at a time.

    Runs that can begin from the same base policy wait for the first of them to have
    made it.
    """

    def __init__(self, jobs: int, children: Children) -> None:
        self.jobs, self.children = jobs, children

    def __call__(self, runs: Sequence[Planned]) -> Iterator[Ended]:
        waiting = _Waiting(runs)
        said: queue.Queue[Ended | None] = queue.Queue()
        threads = [
            threading.Thread(target=self._work, args=(waiting, said), daemon=True)
            for _ in range(min(self.jobs, len(runs)))
        ]
        for thread in threads:
            thread.start()
        left = len(threads)
        while left:
            ended = said.get()
            if ended is None:
                left -= 1
            else:
                yield ended

    def _work(self, waiting: "_Waiting", said: "queue.Queue[Ended | None]") -> None:
        try:
            while (found := waiting.next()) is not None:
                run, base = found
                try:
                    said.put(Ended(run, "runs"))
                    said.put(self._do(run, base))
                finally:
                    waiting.ended(run)
        except Stopped:
            pass
        finally:
            said.put(None)

    def _do(self, run: Planned, base: Path | None) -> Ended:
        arguments = list(run.arguments)
        if base is not None:
            arguments.append(f"--config.model.init_from={base}")
        run.folder.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        write_run(run, "runs")
        state, error = "stopped", ""
        try:
            status = self.children.run(arguments, run.folder / LOG)
            state = "failed" if status else "done"
            error = why(run.folder / LOG, status) if status else ""
        finally:
            write_run(run, state, error, time.monotonic() - began)
        return Ended(run, state, error)


class _Waiting:
    """The runs that have not begun, of which the next one that can is taken."""

    def __init__(self, runs: Sequence[Planned]) -> None:
        self.every, self.left = list(runs), list(runs)
        self.making = set[str]()  # bases that a run is making now
        self.lock = threading.Lock()

    def next(self) -> tuple[Planned, Path | None] | None:
        """A run and the base that it begins from; waits for one that can begin."""
        while True:
            with self.lock:
                if not self.left:
                    return None
                for run in self.left:
                    base = begins_from(run, self.every)
                    if base is not None or run.base not in self.making:
                        self.left.remove(run)
                        self.making |= {run.base} - {""} if base is None else set()
                        return run, base
            time.sleep(_AGAIN)

    def ended(self, run: Planned) -> None:
        """Whatever it made is there by now, or will be made by another."""
        with self.lock:
            self.making.discard(run.base)


def why(log: Path, status: int) -> str:
    """The last line that a run wrote, which says why it ended."""
    try:
        lines = log.read_text(errors="replace").replace("\r", "\n").splitlines()
    except OSError:
        lines = []
    said = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return said or f"it ended with status {status} and said nothing"
