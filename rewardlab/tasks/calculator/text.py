"""The calculator's sums again, in Python, from text."""

import re
from typing import Any, NamedTuple

from rewardlab.tasks.calculator.environment import HARD, MAX_DIGITS
from rewardlab.tasks.environment import TextEnvironment, Turn

NUMBER = rf"(0|[1-9][0-9]{{0,{MAX_DIGITS - 1}}})"
STEP = re.compile(rf"{NUMBER}\+{NUMBER}={NUMBER}")
CALL = re.compile(rf"\?{NUMBER}\+{NUMBER}")
ANSWER = re.compile(rf"#{NUMBER}")


class Episode(NamedTuple):
    """A problem, and how far the agent has come."""

    due: list[tuple[int, int]]  # the steps that are left: a sum and a term
    answer: int
    least_calls: int
    calls: int = 0
    useless: int = 0
    correct: bool = False


def steps(terms: list[int]) -> list[tuple[int, int]]:
    """The steps of the solution: the sum so far and the term to add."""
    return [(sum(terms[:k]), terms[k]) for k in range(1, len(terms))]


def is_hard(step: tuple[int, int]) -> bool:
    """Whether a call pays."""
    return min(step) >= HARD


def _reset(columns: dict[str, Any]) -> Episode:
    due = steps([int(term) for term in columns["terms"] if term >= 0])
    return Episode(due, int(columns["answer"]), sum(map(is_hard, due)))


def _step(state: Episode, action: str) -> Turn:
    if said := ANSWER.fullmatch(action):
        correct = int(said[1]) == state.answer
        state = state._replace(correct=correct)
        return Turn(state, "", True, _rewards(format=True, step_correct=correct))
    if action.startswith("?"):
        return _call(state, CALL.fullmatch(action))
    said = STEP.fullmatch(action)
    if said is None:
        return Turn(state, "!\n", False, _rewards())
    left, right, result = (int(number) for number in said.groups())
    forward = [(left, right)] == state.due[:1] and left + right == result
    state = state._replace(due=state.due[forward:])
    return Turn(state, "", False, _rewards(format=True, step_correct=forward))


def _call(state: Episode, said: re.Match[str] | None) -> Turn:
    numbers = tuple(int(number) for number in said.groups()) if said else ()
    productive = [numbers] == state.due[:1]
    needed = any(map(is_hard, state.due[:1]))
    state = state._replace(
        due=state.due[productive:],
        calls=state.calls + 1,
        useless=state.useless + (not (productive and needed)),
    )
    rewards = _rewards(
        format=bool(said),
        step_correct=productive,
        call=True,
        needed=needed,
        productive=productive,
    )
    return Turn(state, f"{sum(numbers)}\n" if said else "!\n", False, rewards)


def _rewards(**known: bool) -> dict[str, float | None]:
    names = ("step_correct", "format", "call", "needed", "productive")
    return {name: float(known.get(name, False)) for name in names}


def _outcome(state: Episode) -> dict[str, float | None]:
    return {
        "correct": float(state.correct),
        "calls": float(state.calls),
        "tool_calls": float(state.calls),
        "least_calls": float(state.least_calls),
        "useless_calls": float(state.useless),
    }


ENVIRONMENT = TextEnvironment(reset=_reset, step=_step, outcome=_outcome)
