"""SIGTERM and Ctrl-C: saved, and said in one line."""

import io
import os
import signal

import pytest
import rich.console

from rewardlab.runs.console import Console
from rewardlab.runs.interrupts import stopping

SIGNALS = {signal.SIGTERM: "SIGTERM", signal.SIGINT: "Ctrl-C"}


@pytest.fixture
def screen():
    file = io.StringIO()
    return Console(rich.console.Console(file=file, width=200)), file


@pytest.mark.parametrize("sent", SIGNALS)
def test_a_run_leaves_at_once_where_nothing_waits(screen, sent) -> None:
    console, file = screen
    before = signal.getsignal(sent)
    with pytest.raises(SystemExit) as end, stopping(console):
        os.kill(os.getpid(), sent)
    assert end.value.code == 128 + sent and signal.getsignal(sent) == before
    said = "nothing is saved yet, and the same command begins again\n"
    assert file.getvalue() == f"stopped by {SIGNALS[sent]}: {said}"


@pytest.mark.parametrize("sent", SIGNALS)
def test_a_step_ends_first(screen, sent) -> None:
    console, file = screen
    with pytest.raises(SystemExit) as end, stopping(console) as stop:
        with stop.after_the_step():
            stop.leave()  # nobody said so yet
            os.kill(os.getpid(), sent)
            assert stop.told == sent
            stop.leave()  # it came after the processes had agreed to go on
            stop.left = "checkpoints/3 is saved"
            assert stop.agree()
            stop.leave()
    assert end.value.code == 128 + sent and end.value.together
    assert file.getvalue() == f"stopped by {SIGNALS[sent]}: checkpoints/3 is saved\n"


def test_the_second_time_it_does_not_wait(screen) -> None:
    console, file = screen
    with pytest.raises(SystemExit) as end, stopping(console) as stop:
        with stop.after_the_step():
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGINT)
            raise AssertionError("went on")
    assert end.value.code == 130 and file.getvalue().count("\n") == 1


def test_what_the_parent_ignores_stays_ignored(screen) -> None:
    """As a shell does with Ctrl-C for what it runs in the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stopping(screen[0]):
            os.kill(os.getpid(), signal.SIGINT)
            assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
