"""A worker: a programme that answers questions, a line of JSON each, until they end.

    python -P worker.py FILE FUNCTION SECONDS MEGABYTES

It knows nothing of rewardlab, whose imports take longer than most answers. A question
is the list of the function's arguments. An answer is {"value": ...}, or {"error": ...};
one that takes more than SECONDS kills the worker, wherever it hangs, also in C code.
"""

import contextlib
import json
import os
import resource
import runpy
import signal
import sys
from collections.abc import Callable
from typing import Any


def main() -> None:
    """Says that it is ready, then answers until there are no more questions."""
    file, name, seconds, megabytes = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # for what the function prints
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the run alone
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    function = runpy.run_path(file)[name]
    _bound(int(megabytes) << 20)
    answers.write("ready\n")
    answers.flush()
    for line in sys.stdin:
        signal.setitimer(signal.ITIMER_REAL, float(seconds))
        said = _answer(function, json.loads(line))
        signal.setitimer(signal.ITIMER_REAL, 0)
        answers.write(f"{said}\n")
        answers.flush()


def _answer(function: Callable[..., Any], question: list[Any]) -> str:
    try:
        return json.dumps({"value": function(*question)})
    except Exception as error:  # MemoryError and RecursionError too
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        return json.dumps({"error": reason[:300]})


def _bound(size: int) -> None:
    """No more address space than `size` bytes, where the system knows such a bound."""
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (size, size))


if __name__ == "__main__":
    main()
