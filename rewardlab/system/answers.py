"""What a user's Python answers, as numbers; what is none of them is a sentence."""

import asyncio
import inspect
import math
import multiprocessing.connection
import textwrap
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import numpy as np

from rewardlab.system.forked import forked

LARGEST = float(np.finfo(np.float32).max)
NO_NUMBERS = "cSUMm"  # kinds of array: complex, text, times


class Failure(NamedTuple):
    """Why Python code of a user gave no answer."""

    timed_out: bool
    reason: str


class NoAnswer(RuntimeError, ValueError):
    """Code of a user failed where that is to stop the run."""


Row = float | list[float | None] | None  # a number, one for each step, or none at all


def number(value: Any) -> float:
    """Anything that is a finite float32 number; `ValueError` that names what is not.

    Numbers are Python's, NumPy's and JAX's in every type, 0-d arrays, and all else that
    becomes a float by itself (`Fraction`, `Decimal`). Text and complex numbers do not.
    """
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if isinstance(value, str | bytes | complex) or kind and kind in NO_NUMBERS:
        raise ValueError(f"{_shown(value)} is {_type(value)}, not a number")
    if shape := tuple(getattr(value, "shape", ())):
        raise ValueError(f"an array of shape {shape} is not a number")
    try:
        x = float(value)
    except OverflowError:
        x = math.inf
    except Exception:  # whatever a user's class raises
        raise ValueError(f"{_shown(value)} is {_type(value)}, not a number") from None
    if not abs(x) <= LARGEST:
        raise ValueError(f"{_shown(value)} is not a finite number of float32")
    return x


def ask(
    function: Callable[..., Any], questions: dict[str, list], steps: int, limit: float
) -> list[Row | Failure] | Failure:
    """What `function` says of each completion; with a limit, in a forked process."""
    case = (function, questions, steps)
    if math.isinf(limit):
        return _call(*case)
    try:
        with forked(_tell, *case) as pipe:
            if not pipe.poll(limit):
                return Failure(True, f"it took more than {limit} s")
            return pipe.recv()
    except EOFError:
        return Failure(False, "its process ended without an answer")


def _tell(pipe: multiprocessing.connection.Connection, *case: Any) -> None:
    pipe.send(_call(*case))


def _call(
    function: Callable[..., Any], questions: dict[str, list], steps: int
) -> list[Row | Failure] | Failure:
    count = len(questions["completions"])
    try:
        given = _settled(function(**questions))
        answers = _listed(given)
        if answers is not None:
            answers = _settled(answers)
    except BaseException as error:
        return failure(error)
    if answers is None:
        due = "give a list with a value for each completion"
        return Failure(False, f"it gave {_type(given)}; {due}")
    if len(answers) != count:
        return Failure(False, f"it gave {len(answers)} values for {count} completions")
    return [_row(answer, steps) for answer in answers]


def _row(answer: Any, steps: int) -> Row | Failure:
    try:
        if answer is None:
            return None
        if isinstance(answer, BaseException):
            return failure(answer)
        if not steps:
            return number(answer)
        listed = _listed(answer)
        if listed is None:
            due = "not a list with a number for each step"
            return Failure(False, f"{_shown(answer)} is {_type(answer)}, {due}")
        return [None if x is None else number(x) for x in listed][:steps]
    except Exception as error:  # also what iterating over the answer raises
        return Failure(False, str(error))


def _listed(answer: Any) -> list | None:
    """A sequence or a generator as a list; None for what has no order, or is text."""
    if isinstance(answer, jax.Array):
        answer = np.asarray(answer)
    unordered = isinstance(answer, str | bytes | Mapping | Set)
    scalar = getattr(answer, "ndim", 1) == 0
    if unordered or scalar or not isinstance(answer, Iterable):
        return None
    return list(answer)


def _settled(answer: Any) -> Any:
    """The answer when all that is to be awaited, in it or it itself, has come.

    It waits in a thread with an event loop of its own: where a loop already runs, as in
    a notebook, no other may.
    """
    some = isinstance(answer, list | tuple) and any(map(inspect.isawaitable, answer))
    if not (some or inspect.isawaitable(answer) or inspect.isasyncgen(answer)):
        return answer
    return _run(_awaited(answer))


def together(waits: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
    """What coroutines give, all awaited at the same time."""

    async def all_of_them() -> list[Any]:
        return list(await asyncio.gather(*waits))

    return _run(all_of_them())


def _run(awaited: Coroutine[Any, Any, Any]) -> Any:
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, awaited).result()


async def _awaited(answer: Any) -> Any:
    if inspect.isasyncgen(answer):
        return [x async for x in answer]
    if inspect.isawaitable(answer):
        return await answer
    waits = [_one(x) for x in answer]
    return await asyncio.gather(*waits, return_exceptions=True)


def _one(x: Any) -> Coroutine[Any, Any, Any]:
    async def one() -> Any:
        return await x if inspect.isawaitable(x) else x

    return one()


def failure(error: BaseException) -> Failure:
    """What code of a user raised, also by `sys.exit`; what is not its own goes on.

    Not its own are Ctrl-C and the kinds of `SystemExit` that end a run.
    """
    own = isinstance(error, Exception | asyncio.CancelledError)
    if not own and type(error) is not SystemExit:
        raise error
    try:
        said = textwrap.shorten(str(error), 300, placeholder=" ...")
    except Exception:  # of an error that cannot say what it is
        said = "it does not say why"
    return Failure(False, f"{type(error).__name__}: {said}")


def _type(value: Any) -> str:
    name = type(value).__name__
    return f"an {name}" if name[:1].lower() in "aeiou" else f"a {name}"


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except Exception:  # of an integer of thousands of digits, for one
        return "a value"
    return text if len(text) <= 60 else f"{text[:57]}..."
