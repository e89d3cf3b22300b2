"""What an iteration asks of models besides sampling and learning, counted on shapes.

    with counting() as found, where(by="judge"):
        evaluated("forwards", rows, tokens)

A program is traced once and runs in every iteration, so how often it evaluates a model
is a number of its shapes: known before anything runs, at no cost. Whoever evaluates
says so; outside of `counting`, and where nobody is named, nothing is kept.
"""

import contextlib
import operator
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import Any, NamedTuple, TypeVar

from jax import lax
from jaxtyping import Array

T = TypeVar("T")
KINDS = {
    "forwards": "texts that a model reads, in passes besides sampling and the update",
    "restarts": "completions or episodes begun anew besides those learned from, and "
    "states gone back to",
    "judge_calls": "questions that are put to a model",
    "python_calls": "completions that Python is asked about",
    "tokens": "of all these, padding included",
}


class Evaluation(NamedTuple):
    """So many of a kind, in iterations from `first` up to `last`, which is not one."""

    by: str  # a scorer, or the sampler
    kind: str  # of KINDS, without the last
    number: int
    tokens: int
    first: int = 0
    last: int | None = None


class _Here(NamedTuple):
    found: list[Evaluation]
    seen: list[tuple[Any, tuple[Any, ...]]]  # places with the arrays evaluated there
    by: str = ""
    kind: str = ""  # "": what is evaluated says it
    times: int = 1
    first: int = 0
    last: int | None = None
    program: str = ""


_here: ContextVar[_Here | None] = ContextVar("here", default=None)


@contextlib.contextmanager
def counting() -> Iterator[list[Evaluation]]:
    """The evaluations of what is traced inside."""
    found: list[Evaluation] = []
    token = _here.set(_Here(found, []))
    try:
        yield found
    finally:
        _here.reset(token)


@contextlib.contextmanager
def where(times: int = 1, **said: Any) -> Iterator[None]:
    """What is evaluated inside runs `times` for each trace, and is as `said`.

    `by` names who asks, `kind` what it is in the place of its own, `first` and `last`
    the iterations in which it runs, `program` what is compiled apart.
    """
    here = _here.get()
    inside = here and here._replace(times=here.times * times, **said)
    token = _here.set(inside)
    try:
        yield
    finally:
        _here.reset(token)


def evaluated(kind: str, number: int, tokens: int, of: tuple[Any, ...] = ()) -> None:
    """Says that `number` of a kind are evaluated here, `tokens` in all.

    What is evaluated `of` the very same arrays in one program counts once: the compiler
    merges equal passes.
    """
    here = _here.get()
    if here is None or not here.by or (of and _again(here, of)):
        return
    kind, n = here.kind or kind, here.times
    span = (here.first, here.last)
    here.found.append(Evaluation(here.by, kind, n * number, n * tokens, *span))


def each(f: Callable[[Array], Array], xs: Array) -> Array:
    """`lax.map`, with what `f` evaluates counted for each of `xs`."""
    with where(times=len(xs)):
        return lax.map(f, xs)


def at_first(
    iteration: Array, warmup: int, early: Callable[[], T], late: Callable[[], T]
) -> T:
    """`early()` in iterations before `warmup`, `late()` from it on; counted so."""

    def first() -> T:
        with where(last=warmup):
            return early()

    def then() -> T:
        with where(first=warmup):
            return late()

    return lax.cond(iteration < warmup, first, then)


def in_iteration(every: Iterable[Evaluation], iteration: int) -> dict[str, int]:
    """The sums of an iteration, from 0, by kind: every one of KINDS has a number."""
    total = dict.fromkeys(KINDS, 0)
    for one in every:
        if one.first <= iteration and (one.last is None or iteration < one.last):
            total[one.kind] += one.number
            total["tokens"] += one.tokens
    return total


def _again(here: _Here, of: tuple[Any, ...]) -> bool:
    """Whether these arrays were evaluated in this program; now they were."""
    place = (here.program, here.first, here.last)  # other branches are apart
    for there, others in here.seen:
        if there == place and all(map(operator.is_, of, others)):
            return True
    here.seen.append((place, of))
    return False
