"""Runs side by side in one program: `vmap` over all that an iteration is given.

Each run is a thread, and does what a run alone does. Where it computes an iteration or
judges held-out problems it waits for the others, and one program computes all of them.
"""

import contextlib
import contextvars
import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rewardlab.learning.parallel import Driver
from rewardlab.runs.program import Program

T = Any  # what a lane is given, or computes


class Asked(NamedTuple):
    """What one lane waits for."""

    f: Callable[..., Any]  # compiled for a run alone
    driver: Driver
    arguments: tuple[Any, ...]


class Meeting:
    """Where `count` lanes wait for one another; some may leave before the others."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.prepares = threading.Lock()  # the first builds what the others share
        self._left = threading.Condition()
        self._present = count
        self._asked: dict[int, Asked] = {}
        self._found: dict[int, Any] = {}

    def call(self, lane: int, asked: Asked) -> Any:
        """What the lane's function gives, once every lane that is here has asked."""
        with self._left:
            self._asked[lane] = asked
            self._serve()
            self._left.wait_for(lambda: lane in self._found)
            found = self._found.pop(lane)
        if isinstance(found, BaseException):
            raise found
        return found

    def leave(self) -> None:
        """A lane is done, or has failed: the others no longer wait for it."""
        with self._left:
            self._present -= 1
            self._serve()

    def _serve(self) -> None:
        """Lanes that are at another place of their runs are computed by themselves."""
        if not self._asked or len(self._asked) < self._present:
            return
        for f in {id(asked.f): asked.f for asked in self._asked.values()}.values():
            group = {i: x for i, x in self._asked.items() if x.f is f}
            try:
                found: Sequence[Any] = self._together(list(group.values()))
            except BaseException as error:  # in the thread of each that asked for it
                found = [error] * len(group)
            self._found.update(zip(group, found, strict=True))
        self._asked.clear()
        self._left.notify_all()

    def _together(self, group: list[Asked]) -> Sequence[Any]:
        """An empty lane computes what the first does: another count compiles anew."""
        places = [*group, *[group[0]] * (self.count - len(group))]
        side_by_side = _side_by_side(group[0].f, group[0].driver, self.count)
        return side_by_side(*(asked.arguments for asked in places))[: len(group)]


@functools.lru_cache(maxsize=8)
def _side_by_side(
    f: Callable[..., Any], driver: Driver, count: int
) -> Callable[..., Sequence[Any]]:
    """`f` of `count` runs as one program: of the arguments of each, what each gives."""
    plain = getattr(f, "__wrapped__", f)

    def all_of_them(*lanes: tuple[Any, ...]) -> list[Any]:
        stacked = jax.tree.map(lambda *x: jnp.stack(x), *lanes)
        found = jax.vmap(plain)(*stacked)
        return [jax.tree.map(lambda x, i=i: x[i], found) for i in range(count)]

    return driver.fuse(all_of_them)


class Lane(NamedTuple):
    """A run's place among the others."""

    meeting: Meeting
    number: int


_lane: ContextVar[Lane | None] = ContextVar("lane", default=None)


@contextlib.contextmanager
def one_prepares() -> Iterator[None]:
    """One lane at a time; of a run alone, nothing."""
    lane = _lane.get()
    with lane.meeting.prepares if lane else contextlib.nullcontext():
        yield


def refuse_host(program: Program, driver: Driver) -> None:
    """`ValueError` for a run that is not one program on the device."""
    if not (program.fused and program.judged and driver.fuses):
        raise ValueError(
            "lanes are computed as one program, and this run asks Python between "
            "programs (a text reward, a host environment, or mesh.driver='pmap'); "
            "leave --lanes out"
        )


def among_lanes(program: Program, driver: Driver) -> Program:
    """The program of a run, which computes with the other lanes if there are any."""
    lane = _lane.get()
    if lane is None:
        return program
    refuse_host(program, driver)

    def met(f: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            return lane.meeting.call(lane.number, Asked(f, driver, arguments))

        return call

    return program._replace(
        iterate=met(program.iterate), evaluate=met(program.evaluate)
    )


def side_by_side(runs: Sequence[Callable[[], T]]) -> list[T | BaseException]:
    """Calls each in a lane of its own; what it gives, or what it was ended by."""
    meeting, found = Meeting(len(runs)), dict[int, Any]()

    def one(number: int, run: Callable[[], T]) -> None:
        _lane.set(Lane(meeting, number))
        try:
            found[number] = run()
        except BaseException as error:  # its own end, and no other lane's
            found[number] = error
        finally:
            meeting.leave()

    threads = [
        threading.Thread(
            target=contextvars.copy_context().run, args=(one, *case), daemon=True
        )
        for case in enumerate(runs)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [found[number] for number in range(len(runs))]
