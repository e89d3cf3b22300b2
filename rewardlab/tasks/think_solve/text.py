"""The thinker's and the solver's dialogue again, in Python, from text."""

import re
from typing import Any, NamedTuple

from rewardlab.tasks.arithmetic.numbers import MAX_DIGITS, NOTHING
from rewardlab.tasks.arithmetic.verifier import PRM_RIGHT, PRM_WRONG
from rewardlab.tasks.environment import TextEnvironment, Turn
from rewardlab.tasks.think_solve.environment import MAX_TURNS, SOLVER, THINKER

NUMBER = re.compile(rf"0|[1-9][0-9]{{0,{MAX_DIGITS - 1}}}")
MARKS = "=#"  # of the agents, by their ids


class Dialogue(NamedTuple):
    """A sum, who is left out, and what was said in each turn, -1 where nothing was."""

    terms: tuple[int, ...]
    absent: int = NOTHING
    said: tuple[int, ...] = ()

    @property
    def answers(self) -> tuple[int, ...]:
        """The solver's numbers."""
        return self.said[SOLVER::2]


def _reset(columns: dict[str, Any]) -> Dialogue:
    terms = tuple(int(term) for term in columns["terms"] if term >= 0)
    absent = int(columns.get("absent", NOTHING))
    said = (NOTHING,) if absent == THINKER else ()
    return Dialogue(terms, absent, said)


def _step(state: Dialogue, action: str) -> Turn:
    number = int(action) if NUMBER.fullmatch(action) else NOTHING
    who, part = len(state.said) % 2, sum(state.terms[:-1])
    if who == THINKER:
        due = follows = part
    else:
        message = state.said[-1]
        due = sum(state.terms)
        follows = due if message == NOTHING else message + state.terms[-1]
    state, text = state._replace(said=(*state.said, number)), MARKS[1 - who]
    if 1 - who == state.absent:
        state = state._replace(said=(*state.said, NOTHING))
        text += "\n" + MARKS[who]
    rewards: dict[str, float | None] = {
        "agent": float(who),
        "attempt": float(number == due),
        "step_correct": float(number == follows),
        "prm": PRM_RIGHT if number == follows else PRM_WRONG,
        "format": float(number != NOTHING),
    }
    done = len(state.said) >= MAX_TURNS
    return Turn(state, "" if done else text, done, rewards)


def _outcome(state: Dialogue) -> dict[str, float | None]:
    right = [number == sum(state.terms) for number in state.answers]
    return {
        "correct": float(len(right) == MAX_TURNS // 2 and right[-1]),
        "first_correct": float(any(right[:1])),
        "answer_id": float(state.answers[-1]) if state.answers else -1.0,
    }


ENVIRONMENT = TextEnvironment(reset=_reset, step=_step, outcome=_outcome)
