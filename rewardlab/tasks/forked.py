"""A process of its own for a user's function, which can be killed when it hangs."""

import contextlib
import multiprocessing
import multiprocessing.connection
import warnings
from collections.abc import Callable, Iterator
from typing import Any


@contextlib.contextmanager
def forked(
    tell: Callable[..., None], *args: Any
) -> Iterator[multiprocessing.connection.Connection]:
    """Runs `tell(pipe, *args)` in a fork and gives the pipe's other end.

    Leaving kills the process. A process that ended gives `EOFError` when it is read.
    """
    forking = multiprocessing.get_context("fork")
    ours, theirs = forking.Pipe(duplex=False)
    child = forking.Process(target=tell, args=(theirs, *args))
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
