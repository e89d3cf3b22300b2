"""The calculator's sums again, in Python, from text."""

import re
from typing import Any, NamedTuple

from rewardlab.tasks.arithmetic.verifier import PRM_RIGHT, PRM_WRONG
from rewardlab.tasks.calculator.environment import HARD, MAX_DIGITS, PRICE, REWARDS
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
    answered: int = -1
    written: int = 0
    sound: bool = True


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
        rewards = _rewards(
            format=True, step_correct=correct, match=correct and not state.due, prm=True
        )
        state = state._replace(correct=correct, answered=int(said[1]))
        return Turn(state, "", True, rewards)
    if action.startswith("?"):
        return _call(state, CALL.fullmatch(action))
    said = STEP.fullmatch(action)
    if said is None:
        return Turn(state._replace(sound=False), "!\n", False, _rewards())
    left, right, result = (int(number) for number in said.groups())
    holds = left + right == result
    forward = [(left, right)] == state.due[:1] and holds
    rewards = _rewards(
        format=True,
        step_correct=forward,
        subgoals=forward,
        match=forward and not is_hard((left, right)),
        prm=holds,
    )
    state = state._replace(due=state.due[forward:])
    return Turn(state, "", False, rewards)


def _call(state: Episode, said: re.Match[str] | None) -> Turn:
    numbers = tuple(int(number) for number in said.groups()) if said else ()
    productive = [numbers] == state.due[:1]
    needed = any(map(is_hard, state.due[:1]))
    text = f"{sum(numbers)}\n" if said else "!\n"
    by_tool = len(text) if said else 0
    state = state._replace(
        due=state.due[productive:],
        calls=state.calls + 1,
        useless=state.useless + (not (productive and needed)),
        written=state.written + by_tool,
        sound=state.sound and bool(said),
    )
    rewards = _rewards(
        format=bool(said),
        step_correct=productive,
        call=True,
        needed=needed,
        productive=productive,
        subgoals=productive,
        match=productive and needed,
        prm=bool(said),
    )
    return Turn(state, text, False, {**rewards, "duration": 1.0 + by_tool})


def _rewards(**known: bool) -> dict[str, float | None]:
    """Of a turn in the head: 1 or 0; a second, and how sure a process model is."""
    rewards: dict[str, float | None] = {
        name: float(known.get(name, False)) for name in REWARDS
    }
    sure = PRM_RIGHT if known.get("prm") else PRM_WRONG
    return {**rewards, "prm": sure, "duration": 1.0}


def _outcome(state: Episode) -> dict[str, float | None]:
    return {
        "correct": float(state.correct),
        "answer_id": float(state.answered),
        "calls": float(state.calls),
        "tool_calls": float(state.calls),
        "least_calls": float(state.least_calls),
        "useless_calls": float(state.useless),
        "cost": PRICE * state.written,
        "form": 0.0 if state.sound else -1.0,
    }


ENVIRONMENT = TextEnvironment(reset=_reset, step=_step, outcome=_outcome)
