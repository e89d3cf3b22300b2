"""How a text environment is asked: side by side, one by one, in time."""

import asyncio
import threading

import pytest

from rewardlab.system.answers import Failure
from rewardlab.tasks.environment import TextEnvironment, Turn
from rewardlab.tasks.text_episodes import Patience, ask

ROWS = 8


def said(state, action):
    return Turn(state + 1, action.upper(), False, {"size": float(len(action))})


def answers(step, cases, **patience):
    environment = TextEnvironment(lambda facts: 0, step, lambda state: {})
    return ask(environment, cases, Patience(**patience), lambda row, turn: "")


def meets_in_threads():
    """A step that ends once all rows have begun theirs; else it fails."""
    barrier = threading.Barrier(ROWS, timeout=20)

    def step(state, action):
        barrier.wait()
        return said(state, action)

    return step


def meets_in_a_loop():
    begun = []

    async def step(state, action):
        begun.append(action)
        while len(begun) < ROWS:
            await asyncio.sleep(0.001)
        return said(state, action)

    return step


@pytest.mark.parametrize("made", [meets_in_threads, meets_in_a_loop])
def test_rows_are_asked_side_by_side(made):
    cases = [(row, "x" * row) for row in range(ROWS)]
    assert answers(made(), cases) == [said(*case) for case in cases]


@pytest.mark.parametrize("limit", [float("inf"), 20.0])
def test_answers_come_in_the_order_of_rows(limit):
    cases = [(row, "x" * row) for row in range(ROWS)]
    found = answers(said, cases, at_once=3, time_limit=limit)
    assert found == [said(*case) for case in cases]


def test_one_at_a_time_where_it_is_said():
    alone = threading.Lock()

    def step(state, action):
        assert alone.acquire(blocking=False)
        threading.Event().wait(0.002)
        alone.release()
        return said(state, action)

    cases = [(row, "x") for row in range(ROWS)]
    assert answers(step, cases, at_once=1) == [said(*case) for case in cases]


def test_an_awaited_step_is_cancelled_at_its_limit():
    async def step(state, action):
        await asyncio.sleep(60 if state else 0)
        return said(state, action)

    late, prompt = answers(step, [(1, "x"), (0, "x")], time_limit=0.1)
    assert late == Failure(True, "a step took more than 0.1 s")
    assert prompt == said(0, "x")


def test_what_an_awaited_step_raises_is_its_own_failure():
    async def step(state, action):
        if state:
            raise TimeoutError("no route")
        return said(state, action)

    failed, other = answers(step, [(1, "x"), (0, "x")], time_limit=20.0)
    assert failed == Failure(False, "TimeoutError: no route")
    assert other == said(0, "x")
