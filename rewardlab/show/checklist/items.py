"""The items of the checklist, and what is found of one.

The survey of credit assignment for language models (arXiv 2604.09459) lists them; its
text has 9 required and 5 recommended ones, its table 10 and 4, as here.
"""

from collections.abc import Mapping
from typing import NamedTuple

STATED, PARTLY, MISSING = "stated", "partly", "missing"
MARKS = {STATED: "✓", PARTLY: "∼", MISSING: "×"}
# How counts of `core.evaluations.KINDS` are called here.
NAMES = {
    "forwards": "forwards",
    "restarts": "restarts",
    "judge_calls": "judge calls",
    "python_calls": "Python calls",
    "tokens": "tokens of these",
}


class Item(NamedTuple):
    """What is asked, in few words and whole, and whether it must be there."""

    short: str
    asks: str
    required: bool


ITEMS: dict[str, Item] = {
    "model": Item("base model", "its name, size and version", True),
    "data": Item("training data", "its source, size and filters", True),
    "granularity": Item("granularity", "what is paid apart in an episode", True),
    "methodology": Item("methodology", "the family of the method", True),
    "baseline": Item("baseline", "one of whole episodes, on the same base", True),
    "compute": Item("equal compute", "the baseline's, or the difference", True),
    "ablation": Item("ablation", "a run without the credit, else the same", False),
    "benchmarks": Item("benchmarks", "what is held out, and which split", True),
    "metric": Item("metric", "the exact definition", True),
    "spread": Item("spread", "three seeds, or an interval over runs", False),
    "hours": Item("hours", "of accelerators in all, rollouts too", True),
    "overhead": Item("overhead", "forwards, restarts, judge calls, tokens", False),
    "length": Item("mean length", "of trajectories, in tokens and turns", True),
    "lengths": Item("lengths", "least, median and most; the share cut", False),
}


class Line(NamedTuple):
    """What is found of an item: a state, and the value or what is lacking."""

    state: str  # one of MARKS
    value: str


def found(parts: Mapping[str, str]) -> Line:
    """All that an item asks for, by what it is; "" where a part is not there.

    {"size": "3 layers", "version": ""} -> partly, "3 layers; no version"
    """
    there = [said for said in parts.values() if said]
    lacks = [f"no {name}" for name, said in parts.items() if not said]
    state = PARTLY if there and lacks else MISSING if lacks else STATED
    return Line(state, "; ".join([*there, *lacks]))
