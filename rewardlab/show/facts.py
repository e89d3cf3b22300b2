"""What the signals of a completion say of its row, of a turn, of a token.

What a signal's list is about is looked up in `SIGNALS`. Of names that nobody described,
lists as long as the completion in every row are about its tokens, all others are about
its turns.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from rewardlab.core.signals import SIGNALS
from rewardlab.rollouts.state import End
from rewardlab.show.record import Line
from rewardlab.system.printable import number, one_line

LONGEST = 200  # characters of a signal that is neither a number nor a list of them
COMPANIONS = ("_valid", "_error", "_timeout")  # of a signal: see `host_signal`
IDS = ("anchor", "node")  # which turns are alike; the numbers themselves say nothing
PLACES = {"NS": "turn", "NV": "turn", "NT": "token"}  # of other shapes: "row"


class Fact(NamedTuple):
    """A signal as it is read; one that does not apply says so and has no number."""

    name: str
    text: str
    applies: bool


def kinds_of(lines: Sequence[Line]) -> dict[str, str]:
    """For each signal the letters of its shape, as `Signal` has them."""
    names = dict.fromkeys(name for line in lines for name in line["signals"])
    return {name: _kind(name, lines) for name in names}


def _kind(name: str, lines: Sequence[Line]) -> str:
    have = [line for line in lines if name in line["signals"]]
    values = [line["signals"][name] for line in have]
    if not all(isinstance(value, list) for value in values):
        return "N"
    if name in SIGNALS and SIGNALS[name].shape != "N":
        return SIGNALS[name].shape
    tokens = [len(line["tokens"]) for line in have]
    return "NT" if [len(value) for value in values] == tokens else "NS"


def facts_of(line: Line, kinds: dict[str, str], about: str, i: int) -> Iterator[Fact]:
    """What the signals say of turn i, token i, or of the row and nothing in it."""
    signals = line["signals"]
    for name, shape in kinds.items():
        if name not in signals:
            continue
        stem, _, _ = name.rpartition("_")
        companion = stem in signals and name.removeprefix(stem) in COMPANIONS
        if companion or name in IDS or PLACES.get(shape, "row") != about:
            continue
        values = _listed(signals[name])
        if about != "row":
            values = values[i : i + (2 if shape == "NV" else 1)]
        if name == "ended_by" and values[:1] and values[0] in list(End):
            values = [End(values[0]).name.lower()]
        valid = _listed(signals.get(name + "_valid", True)) or [True]
        if not values:
            continue
        if valid[min(i, len(valid) - 1)]:
            text = (" → " if shape == "NV" else " ").join(map(_text, values))
            yield Fact(one_line(name), text, True)
        else:
            yield Fact(one_line(name), _why(signals, name), False)


def _listed(value: Any) -> list:
    return value if isinstance(value, list) else [value]


def _why(signals: dict[str, Any], name: str) -> str:
    if signals.get(name + "_timeout"):
        return "time-out"
    return "error" if signals.get(name + "_error") else "absent"


def _text(value: Any) -> str:
    if value is None:
        return "not finite"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return number(value)
    said = one_line(value if isinstance(value, str) else json.dumps(value))
    return said if len(said) <= LONGEST else said[:LONGEST] + "…"
