"""One completion read back from a completions file, in turns."""

import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from rewardlab.show import record
from rewardlab.show.facts import Fact, facts_of, kinds_of
from rewardlab.show.record import Line
from rewardlab.show.rows import Row, rows_of, siblings
from rewardlab.show.worth import Peaks, Worth, peaks_of, worth_of
from rewardlab.system.printable import number, one_line, visible


class Token(NamedTuple):
    """One token; `logp` and `advantage` are None where they are not finite."""

    id: int
    text: str  # as it is read: `visible`
    logp: float | None
    advantage: float | None
    facts: dict[str, str]  # its signals [N, T], and what each word made of it


class Part(NamedTuple):
    """Tokens of one speaker: an action, or what the environment said to it."""

    by_policy: bool
    tokens: list[Token]


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
    worth: list[Worth]  # after each word, then the advantage; [] in files of schema 1
    siblings: list[Row]  # other completions of the prompt

    @property
    def unit(self) -> str:
        """What the parts of a completion are called: turns, if someone answers."""
        parts = (part for turn in self.turns for part in turn.parts)
        return "step" if all(part.by_policy for part in parts) else "turn"


class Step(NamedTuple):
    """A step's completions, read once, with what is known of all of them."""

    run: str
    step: int
    steps: list[int]  # all that were written
    lines: list[Line]
    rows: list[Row]
    kinds: dict[str, str]
    peak: float
    peaks: Peaks


def read_episode(
    workdir: str | os.PathLike, step: int | None = None, row: int = 0
) -> Episode:
    """A row of a step's completions, of the last step that has some unless told.

    Raises `ValueError` that says what there is instead.
    """
    return episode_of(read_step(workdir, step), row)


def episode_of(step: Step, row: int) -> Episode:
    """One of a step's completions; `ValueError` if there is no such row."""
    if not 0 <= row < len(step.lines):
        raise ValueError(
            f"step {step.step} has rows 0 to {len(step.lines) - 1}, not {row}; give "
            "--row one of them"
        )
    line = step.lines[row]
    places = list(_places(line["step_of_token"]))
    worth = worth_of(line, step.peaks, places)
    return Episode(
        run=step.run,
        step=step.step,
        row=row,
        group=line["group"],
        prompt=visible(line["prompt"]),
        facts=[_reward(line["reward"]), *facts_of(line, step.kinds, "row", 0)],
        turns=[_turn(line, step.kinds, worth, turn) for turn in places],
        peak=step.peak,
        worth=worth,
        siblings=siblings(step.rows, row),
    )


def read_step(workdir: str | os.PathLike, step: int | None = None) -> Step:
    """The completions of a step, of the last that has some unless told.

    A line that was cut short is left out. Raises `ValueError` that says what there is.
    """
    files, where = record.steps(Path(workdir)), one_line(str(workdir))
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
    lines = record.read_lines(files[step])
    return step_of(workdir, (step, sorted(files)), lines)


def step_of(
    workdir: str | os.PathLike, at: tuple[int, list[int]], lines: list[Line]
) -> Step:
    """The completions of a step, `at` it among those that there are."""
    return Step(
        run=one_line(Path(workdir).resolve().name),
        step=at[0],
        steps=at[1],
        lines=lines,
        rows=rows_of(lines),
        kinds=kinds_of(lines),
        peak=max(map(abs, _chosen(lines)), default=0.0),
        peaks=peaks_of(lines),
    )


def _some(steps: list[int]) -> str:
    """The steps, or the first and the last of many."""
    said = [str(step) for step in steps]
    return ", ".join(said if len(said) <= 12 else [*said[:8], "...", *said[-3:]])


def _places(steps: Sequence[int]) -> Iterator[range]:
    """The tokens of each turn."""
    for _, places in itertools.groupby(range(len(steps)), steps.__getitem__):
        first, *others = places
        yield range(first, first + 1 + len(others))


def _turn(
    line: Line, kinds: dict[str, str], worth: Sequence[Worth], places: range
) -> Turn:
    step = line["step_of_token"][places[0]]
    parts = [
        Part(by_policy, [_token(line, kinds, worth, t) for t in run])
        for by_policy, run in itertools.groupby(places, line["mask"].__getitem__)
    ]
    return Turn(step + 1, parts, list(facts_of(line, kinds, "turn", step)))


def _token(line: Line, kinds: dict[str, str], worth: Sequence[Worth], t: int) -> Token:
    facts = {fact.name: fact.text for fact in facts_of(line, kinds, "token", t)}
    for stage in worth[:-1]:
        value = stage.tokens[t]
        if value is not None:
            said = value if isinstance(value, str) else number(value)
            facts[stage.name] = one_line(said)
    token = line["tokens"][t]
    text = visible(line["texts"][t]) or f"⟨{token}⟩"  # an end has no text of its own
    return Token(token, text, line["logp"][t], line["advantage"][t], facts)


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
