"""A process of its own for a user's function, which can be killed when it hangs.

A process that another one began ends with it, however that one ends.
"""

import contextlib
import ctypes
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None  # a fork loads nothing
_PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int, sent: int = signal.SIGKILL) -> None:
    """This process is sent a signal once its `parent` is gone, or has gone already.

    Linux does so by itself; elsewhere a thread looks once a second, which a function
    that never lets go of Python's lock can keep from looking.
    """
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(sent))
    else:
        watch = threading.Thread(target=_watch, args=(parent, sent), daemon=True)
        watch.start()
    if os.getppid() != parent:
        os.kill(os.getpid(), sent)


def _watch(parent: int, sent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), sent)


@contextlib.contextmanager
def forked(
    tell: Callable[..., None], *args: Any
) -> Iterator[multiprocessing.connection.Connection]:
    """Runs `tell(pipe, *args)` in a fork and gives the pipe's other end.

    Leaving kills the process, and so does the end of this one. A process that ended
    gives `EOFError` when it is read.
    """
    forking = multiprocessing.get_context("fork")
    ours, theirs = forking.Pipe(duplex=False)
    child = forking.Process(target=_run, args=(os.getpid(), tell, theirs, *args))
    with warnings.catch_warnings():
        # JAX warns that a forked child may deadlock; this one calls the function and
        # nothing else, and if it does deadlock, that is a time-out.
        warnings.simplefilter("ignore")
        child.start()
    theirs.close()
    try:
        yield ours
    finally:
        child.kill()
        child.join()
        ours.close()


def _run(parent: int, tell: Callable[..., None], *args: Any) -> None:
    end_with_parent(parent)
    tell(*args)
