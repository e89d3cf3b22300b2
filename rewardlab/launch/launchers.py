"""How the runs of a plan are done: the protocol, and who does them on this machine."""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from rewardlab.launch.children import Children, Stopped
from rewardlab.launch.kept import bases, write_run
from rewardlab.launch.plan import Planned, begins_from
from rewardlab.launch.worker import Order
from rewardlab.system.lock import holder

LOG = "log.txt"
Taken = Sequence[tuple[Planned, Path | None]]  # runs, and the base of each
_AGAIN = 0.5  # seconds between two looks for a run that can begin


class Ended(NamedTuple):
    """A run whose state has changed: it runs, is done, has failed or was stopped."""

    run: Planned
    state: str
    error: str = ""


Said = queue.Queue[Ended | BaseException | None]  # None: a thread has no more to do


class Launcher(Protocol):
    """Begins runs, and says what becomes of each as it happens.

    Every run gets `run.json` and `log.txt` in its folder. A run that fails stops no
    other.
    """

    def __call__(self, runs: Sequence[Planned]) -> Iterator[Ended]: ...


class Local:
    """Workers on this machine or wherever `children` begins them, at most `jobs`.

    Runs that can begin from the same base policy wait for the first of them to have
    made it, and one that another process still does, for its end. Up to `lanes`
    runs of one program are done side by side.
    """

    def __init__(self, jobs: int, children: Children, lanes: int = 1) -> None:
        self.jobs, self.children, self.lanes = jobs, children, lanes

    def __call__(self, runs: Sequence[Planned]) -> Iterator[Ended]:
        waiting = _Waiting(runs, self.lanes)
        said: Said = queue.Queue()
        threads = [
            threading.Thread(target=self._work, args=(waiting, said), daemon=True)
            for _ in range(min(self.jobs, len(runs)))
        ]
        for thread in threads:
            thread.start()
        left = len(threads)
        while left:
            ended = said.get()
            if isinstance(ended, BaseException):
                raise ended
            if ended is None:
                left -= 1
            else:
                yield ended

    def _work(self, waiting: "_Waiting", said: "Said") -> None:
        try:
            while taken := waiting.next(self.children):
                try:
                    for run, _ in taken:
                        said.put(Ended(run, "runs"))
                    for ended in do(taken, self.children.run):
                        said.put(ended)
                finally:
                    waiting.ended(taken)
            said.put(None)
        except Stopped:
            said.put(None)
        except Exception as error:  # raised where somebody sees it
            said.put(error)


def do(taken: Taken, statuses: Callable[..., list[int]]) -> list[Ended]:
    """Does runs side by side, `statuses(*orders)` being how, and leaves what became of
    each in its folder."""
    orders = []
    for run, base in taken:
        arguments = list(run.arguments)
        if base is not None:
            arguments.append(f"--config.model.init_from={base}")
        run.folder.mkdir(parents=True, exist_ok=True)
        orders.append(Order(arguments, run.folder / LOG))
        write_run(run, "runs")
    began = time.monotonic()
    ended = [Ended(run, "stopped") for run, _ in taken]
    try:
        found = statuses(*orders)
        ended = [_ended(run, x) for (run, _), x in zip(taken, found, strict=True)]
    finally:
        for run, state, error in ended:
            write_run(run, state, error, time.monotonic() - began)
    return ended


def _ended(run: Planned, status: int) -> Ended:
    if not status:
        return Ended(run, "done")
    return Ended(run, "failed", why(run.folder / LOG, status))


class _Waiting:
    """The runs that have not begun, of which the next ones that can are taken."""

    def __init__(self, runs: Sequence[Planned], lanes: int) -> None:
        self.bases, self.left, self.lanes = bases(runs), list(runs), lanes
        self.making = set[str]()  # bases that a run is making now
        self.compiled: dict[str, int] = {}  # programs, by the thread that has them
        self.lock = threading.Lock()

    def next(self, children: Children) -> Taken:
        """Runs of one program, and the base that each begins from; none where all have
        begun, or are not to any more. Waits for one that can begin."""
        while not children.told:
            with self.lock:
                if not self.left:
                    return []
                if taken := self._taken():
                    return taken
            time.sleep(_AGAIN)
        return []

    def _taken(self) -> Taken:
        """In the order of the plan, but for programs that another thread compiles."""
        own, taken = threading.get_ident(), list[tuple[Planned, Path | None]]()
        order = sorted(
            self.left, key=lambda x: self.compiled.get(x.program, own) != own
        )
        for run in order:
            if taken and run.program != taken[0][0].program:
                continue
            base = begins_from(run, self.bases)
            if (base is None and run.base in self.making) or holder(run.folder):
                continue
            self.making |= {run.base} - {""} if base is None else set()
            self.compiled.setdefault(run.program, own)
            self.left.remove(run)
            taken.append((run, base))
            if len(taken) == self.lanes:
                break
        return taken

    def ended(self, taken: Taken) -> None:
        """Whatever they made is there by now, or will be made by another."""
        with self.lock:
            self.making -= {run.base for run, _ in taken}


def why(log: Path, status: int) -> str:
    """The last line that a run wrote, which says why it ended."""
    try:
        lines = log.read_text(errors="replace").replace("\r", "\n").splitlines()
    except OSError:
        lines = []
    said = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return said or f"it ended with status {status} and said nothing"
