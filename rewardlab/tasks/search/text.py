"""Multi-hop search again, in Python, from text."""

import re
from typing import Any, NamedTuple

from rewardlab.tasks.arithmetic.verifier import TOKENIZER
from rewardlab.tasks.environment import TextEnvironment, Turn

QUERY = re.compile(r"\?([a-z][0-9][a-z])")
ANSWER = re.compile(r"#([a-z][0-9])")


class Episode(NamedTuple):
    """A store and its question, and how far the agent has come."""

    facts: dict[str, str]  # "a7r": "k2"
    path: list[str]  # the keys of the hops, in order
    answer: str
    reached: int = 0
    calls: int = 0
    correct: bool = False
    answered: str = ""


def _reset(columns: dict[str, Any]) -> Episode:
    keys = [TOKENIZER.decode(key) for key in columns["keys"].tolist()]
    values = [TOKENIZER.decode(value) for value in columns["values"].tolist()]
    path = [keys[fact] for fact in columns["path"].tolist() if fact >= 0]
    answer = TOKENIZER.decode(columns["answer"].tolist())
    return Episode(dict(zip(keys, values, strict=True)), path, answer)


def _step(state: Episode, action: str) -> Turn:
    if said := ANSWER.fullmatch(action):
        right = said[1] == state.answer
        after = state._replace(correct=right, answered=said[1])
        rewards = _rewards(state, format=1.0, useful=float(right))
        return Turn(after, "", True, rewards)
    asked = QUERY.fullmatch(action)
    if asked is None:
        return Turn(state, "!\n", False, _rewards(state))
    key = asked[1]
    hop = key in state.path[state.reached : state.reached + 1]
    found = float(key in state.facts)
    by_hop = {"hop": float(hop), "useful": float(hop)}
    rewards = _rewards(state, format=1.0, found=found, **by_hop)
    state = state._replace(calls=state.calls + 1, reached=state.reached + hop)
    return Turn(state, f"={state.facts.get(key, '-')}\n", False, rewards)


def _rewards(before: Episode, **known: float) -> dict[str, float | None]:
    """Of a turn that began in the state `before`."""
    reached, hops = before.reached, len(before.path)
    on_the_way = {
        "milestones": reached / hops,
        "progress": reached / (hops + 1),
        "potential": float(reached - hops - 1),
    }
    none = dict.fromkeys(("hop", "found", "useful", "format"), 0.0)
    return {**none, **on_the_way, **known}


def _outcome(state: Episode) -> dict[str, float | None]:
    return {
        "correct": float(state.correct),
        "hops": state.reached / len(state.path),
        "progress_end": 1.0 if state.correct else state.reached / (len(state.path) + 1),
        "answer_id": float(_number(state.answered)),
        "calls": float(state.calls),
        "useless_calls": float(state.calls - state.reached),
    }


def _number(entity: str) -> int:
    """a0 is 0, a1 is 1, b0 is 10; no entity is -1."""
    return 10 * (ord(entity[0]) - ord("a")) + int(entity[1]) if entity else -1


ENVIRONMENT = TextEnvironment(reset=_reset, step=_step, outcome=_outcome)
