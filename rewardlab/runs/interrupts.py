"""SIGTERM and Ctrl-C: what was saved and how to go on, in one line."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from types import FrameType

from rewardlab.runs.console import Console
from rewardlab.system.processes import highest

_NAMES = {signal.SIGTERM: "SIGTERM", signal.SIGINT: "Ctrl-C"}


class Stopped(SystemExit):
    """The end of a run that was told to stop; the exit status is 128 + the signal."""

    together = False  # whether all processes of the run stop so


class Stop:
    """What a run that is told to stop does: leave at once, or after its step."""

    def __init__(self) -> None:
        self.told: int | None = None  # the signal that waits for the end of a step
        self._agreed: int | None = None  # the one that all processes know of
        self.left = "nothing is saved yet, and the same command begins again"
        self._waits = False

    @contextlib.contextmanager
    def after_the_step(self) -> Iterator[None]:
        """Here a first signal waits until the run calls `leave`; a second does not."""
        self._waits = True
        try:
            yield
        finally:
            self._waits = False

    def agree(self) -> bool:
        """Whether the run was told to stop, in whichever of its processes."""
        # A signal may come at any time from here on: it counts at the next step.
        self._agreed = highest(self.told or 0) or None
        return self._agreed is not None

    def leave(self) -> None:
        """Ends the run if its processes agreed to."""
        if self._agreed is not None:
            end = Stopped(128 + self._agreed)
            end.together = True
            raise end

    def on_signal(self, number: int, _: FrameType | None) -> None:
        """The handler."""
        if self._waits and self.told is None:
            self.told = number
        else:
            raise Stopped(128 + number)


_begun: ContextVar[list[Stop] | None] = ContextVar("begun", default=None)


@contextlib.contextmanager
def runs_begun() -> Iterator[list[Stop]]:
    """The runs that begin inside, each by what it does when it is told to stop."""
    begun: list[Stop] = []
    token = _begun.set(begun)
    try:
        yield begun
    finally:
        _begun.reset(token)


@contextlib.contextmanager
def stopping(console: Console) -> Iterator[Stop]:
    """Handles both signals inside; what the parent ignores stays ignored."""
    stop, before = Stop(), {}
    if (begun := _begun.get()) is not None:
        begun.append(stop)
    if threading.current_thread() is threading.main_thread():
        heard = [s for s in _NAMES if signal.getsignal(s) != signal.SIG_IGN]
        before = {s: signal.signal(s, stop.on_signal) for s in heard}
    try:
        yield stop
    except Stopped as end:
        number = signal.Signals(int(str(end.code)) - 128)
        console.say(f"stopped by {_NAMES[number]}: {stop.left}")
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
