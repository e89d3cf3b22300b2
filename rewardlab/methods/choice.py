"""The survey's rules of choice (arXiv 2604.09459, v2): which method for which task."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from rewardlab.core.grammar import shown
from rewardlab.methods.survey import RULES, Rule

SAID = (
    "'one turn' or 'N turns', 'N tokens', 'restarts', 'helper model' or "
    "'no helper model', 'agents', joined by commas"
)


class Case(NamedTuple):
    """What is said of a task; None where nothing is."""

    turns: int | None = None
    tokens: int | None = None  # of a completion
    restarts: bool | None = None  # whether there is a budget for them
    helper: bool | None = None  # whether there is a model beside the policy
    agents: bool | None = None  # whether several act


def case_of(text: str) -> Case:
    """A task in words: "one turn, 2000 tokens", "an agent of 20 turns without helper".

    Raises `ValueError`, in one sentence, for words that are not understood.
    """
    case = Case()
    for said in _parts(text):
        found = next((x for p, f in _TERMS if (x := _match(p, f, said))), None)
        if found is None:
            raise ValueError(f"{shown(said)} is not understood; say {SAID}")
        if twice := [k for k in found if getattr(case, k) not in (None, found[k])]:
            raise ValueError(f"{twice[0]} are said twice, and differ; say them once")
        case = case._replace(**found)
    if case.turns == 0 or case.tokens == 0:
        raise ValueError("an episode has at least one turn and one token")
    return case


def rules_for(case: Case) -> list[Rule]:
    """The rules that hold of a task, in the survey's order.

    One that asks for what is not said holds too, beside its opposite. Raises
    `ValueError` where too little is said for any.
    """
    found = [rule for rule in RULES if _holds(rule, case)]
    if not found:
        raise ValueError(f"no rule of the survey answers so little; say {SAID}")
    return found


def _holds(rule: Rule, case: Case) -> bool:
    if rule.restarts or rule.agents:
        return bool((rule.restarts and case.restarts) or (rule.agents and case.agents))
    turns = 1 if case.turns is None and case.tokens is not None else case.turns
    if turns is None or not rule.turns[0] <= turns <= rule.turns[1]:
        return False
    long = case.tokens is None or rule.tokens[0] <= case.tokens <= rule.tokens[1]
    return long and (None in (rule.helper, case.helper) or rule.helper == case.helper)


Said = dict[str, Any]  # by field of `Case`


def _parts(text: str) -> list[str]:
    """What is said one by one, without the small words between."""
    plain = re.sub(r"\bwithout( an?| any)?\b", ", no", text.lower())
    parts = re.split(r",|;|\band\b|\bwith\b|\bof\b", plain)
    bare = (re.sub(r"^(an?|the) (?!single)", "", part.strip()) for part in parts)
    return [part for part in bare if part]


def _match(
    pattern: str, make: Callable[[re.Match[str]], Said], said: str
) -> Said | None:
    found = re.fullmatch(pattern, said)
    return make(found) if found else None


def _number(text: str) -> int:
    plain = text.replace("_", "").removesuffix("k")
    return int(plain) * (1000 if text.endswith("k") else 1)


_TERMS: tuple[tuple[str, Callable[[re.Match[str]], Said]], ...] = (
    (r"(one|a single|single|1)?[ -]?turn", lambda m: {"turns": 1}),
    (r"(\d+) turns", lambda m: {"turns": int(m[1])}),
    (r"(\d[\d_]*k?) tokens?", lambda m: {"tokens": _number(m[1])}),
    (r"restarts", lambda m: {"restarts": True}),
    (r"no restarts", lambda m: {"restarts": False}),
    (r"helper( model)?", lambda m: {"helper": True}),
    (r"no helper( model)?", lambda m: {"helper": False}),
    (r"((one|a single|1) )?agent", lambda m: {"agents": False}),
    (r"(several )?agents", lambda m: {"agents": True}),
    (r"(\d+) agents", lambda m: {"agents": int(m[1]) > 1}),
)
