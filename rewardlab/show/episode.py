"""One completion read back from a completions file, in turns.

What a signal's list is about is looked up in `SIGNALS`. Of names that nobody described,
lists as long as the completion in every row are about its tokens, all others are about
its turns.
"""

import itertools
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rewardlab.core.signals import SIGNALS
from rewardlab.rollouts.state import End
from rewardlab.show import record
from rewardlab.show.record import Line
from rewardlab.system.printable import number, one_line, visible

LONGEST = 200  # characters of a signal that is neither a number nor a list of them
COMPANIONS = ("_valid", "_error", "_timeout")  # of a signal: see `host_signal`
IDS = ("anchor", "node")  # which turns are alike; the numbers themselves say nothing
PLACES = {"NS": "turn", "NV": "turn", "NT": "token"}  # of other shapes: "row"


class Token(NamedTuple):
    """One token; `logp` and `advantage` are None where they are not finite."""

    id: int
    text: str  # as it is read: `visible`
    logp: float | None
    advantage: float | None
    facts: dict[str, str]  # its signals [N, T]


class Part(NamedTuple):
    """Tokens of one speaker: an action, or what the environment said to it."""

    by_policy: bool
    tokens: list[Token]


class Fact(NamedTuple):
    """A signal as it is read; one that does not apply says so and has no number."""

    name: str
    text: str
    applies: bool


class Turn(NamedTuple):
    """One turn, or one reasoning step, with its own signals."""

    number: int  # from 1
    parts: list[Part]
    facts: list[Fact]

    @property
    def mean_advantage(self) -> float | None:
        """Over the policy's tokens; None if there are none with a number."""
        chosen = [
            token for part in self.parts if part.by_policy for token in part.tokens
        ]
        found = [t.advantage for t in chosen if t.advantage is not None]
        return sum(found) / len(found) if found else None


class Episode(NamedTuple):
    """A completion; `peak` is the largest |advantage| among all rows of its step."""

    run: str
    step: int
    row: int
    group: int
    prompt: str
    facts: list[Fact]  # the reward, and the signals of the whole row
    turns: list[Turn]
    peak: float

    @property
    def unit(self) -> str:
        """What the parts of a completion are called: turns, if someone answers."""
        parts = (part for turn in self.turns for part in turn.parts)
        return "step" if all(part.by_policy for part in parts) else "turn"


def read_episode(
    workdir: str | os.PathLike, step: int | None = None, row: int = 0
) -> Episode:
    """A row of a step's completions, of the last step that has some unless told.

    Raises `ValueError` that says what there is instead.
    """
    lines, step = _read(Path(workdir), step)
    if not 0 <= row < len(lines):
        raise ValueError(
            f"step {step} has rows 0 to {len(lines) - 1}, not {row}; give --row one of "
            "them"
        )
    line, kinds = lines[row], _kinds(lines)
    return Episode(
        run=one_line(Path(workdir).resolve().name),
        step=step,
        row=row,
        group=line["group"],
        prompt=visible(line["prompt"]),
        facts=[_reward(line["reward"]), *_facts(line, kinds, "row", 0)],
        turns=list(_turns(line, kinds)),
        peak=max(map(abs, _chosen(lines)), default=0.0),
    )


def _read(workdir: Path, step: int | None) -> tuple[list[Line], int]:
    """The lines of a step; one that was cut short is left out."""
    files, where = record.steps(workdir), one_line(str(workdir))
    if not files:
        raise ValueError(
            f"no completions in {where}; train with "
            "--config.log.completions_every=10 to have those of every tenth step"
        )
    step = max(files) if step is None else step
    if step not in files:
        raise ValueError(
            f"no completions of step {step} in {where}; give --step one of "
            f"{_some(sorted(files))}"
        )
    return record.read_lines(files[step]), step


def _some(steps: list[int]) -> str:
    """The steps, or the first and the last of many."""
    said = [str(step) for step in steps]
    return ", ".join(said if len(said) <= 12 else [*said[:8], "...", *said[-3:]])


def _kinds(lines: Sequence[Line]) -> dict[str, str]:
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


def _turns(line: Line, kinds: dict[str, str]) -> Iterator[Turn]:
    steps, mask = line["step_of_token"], line["mask"]
    for step, places in itertools.groupby(range(len(steps)), steps.__getitem__):
        parts = [
            Part(by_policy, [_token(line, kinds, t) for t in run])
            for by_policy, run in itertools.groupby(places, mask.__getitem__)
        ]
        yield Turn(step + 1, parts, list(_facts(line, kinds, "turn", step)))


def _token(line: Line, kinds: dict[str, str], t: int) -> Token:
    facts = {fact.name: fact.text for fact in _facts(line, kinds, "token", t)}
    token = line["tokens"][t]
    text = visible(line["texts"][t]) or f"⟨{token}⟩"  # an end has no text of its own
    return Token(token, text, line["logp"][t], line["advantage"][t], facts)


def _facts(line: Line, kinds: dict[str, str], about: str, i: int) -> Iterator[Fact]:
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


def _reward(value: float | None) -> Fact:
    return Fact(
        "reward", "absent" if value is None else number(value), value is not None
    )


def _chosen(lines: Sequence[Line]) -> Iterator[float]:
    """The advantages of the tokens that the policy chose."""
    for line in lines:
        for x, chosen in zip(line["advantage"], line["mask"], strict=True):
            if chosen and x is not None:
                yield x
