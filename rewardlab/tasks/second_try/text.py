"""Sums in two tries again, in Python, from text."""

import re
from typing import Any, NamedTuple

from rewardlab.tasks.arithmetic.numbers import MAX_DIGITS
from rewardlab.tasks.environment import TextEnvironment, Turn
from rewardlab.tasks.second_try.environment import MAX_TURNS

ANSWER = re.compile(rf"#(0|[1-9][0-9]{{0,{MAX_DIGITS - 1}}})")


class Tries(NamedTuple):
    """The answer, and the numbers that were said; -1 is none."""

    answer: int
    said: tuple[int, ...] = ()


def _reset(columns: dict[str, Any]) -> Tries:
    return Tries(int(columns["answer"]))


def _step(state: Tries, action: str) -> Turn:
    read = ANSWER.fullmatch(action)
    number = int(read[1]) if read else -1
    state = state._replace(said=(*state.said, number))
    done = len(state.said) >= MAX_TURNS
    right = float(number == state.answer)
    return Turn(state, "" if done else "?\n", done, {"attempt": right})


def _outcome(state: Tries) -> dict[str, float | None]:
    right = [number == state.answer for number in state.said]
    return {
        "correct": float(len(right) == MAX_TURNS and right[-1]),
        "first_correct": float(any(right[:1])),
        "answer_id": float(state.said[-1]) if state.said else -1.0,
    }


ENVIRONMENT = TextEnvironment(reset=_reset, step=_step, outcome=_outcome)
