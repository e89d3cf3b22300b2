"""What each word of the sentence made of a completion, by turn and by token."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from rewardlab.show.record import Line
from rewardlab.system.printable import number, one_line, signed

Value = float | str | None  # a text of a number that is not finite; None of absence
Peaks = dict[tuple[int, str], float]  # of a stage's place and a channel


class Cell(NamedTuple):
    """What stands in a turn: as it is read, and a number for its colour, or None."""

    text: str  # "" where nothing is placed
    value: float | None


class Worth(NamedTuple):
    """A channel after a word; `peak` is its largest size among all rows of the step."""

    word: str
    channel: str
    tokens: list[Value]
    turns: list[Cell]
    peak: float
    told: bool  # a word says what it changes, or one channel if it changes none

    @property
    def name(self) -> str:
        """The word, and the channel unless it is the advantage."""
        return f"{self.word} · {self.channel}" if self.channel else self.word


def worth_of(line: Line, peaks: Peaks, turns: Sequence[range]) -> list[Worth]:
    """Every stage of a row, then its advantage; `turns` are places of tokens."""
    found: list[Worth] = []
    before: dict[str, list[Value]] = {}
    for _, stage in itertools.groupby(_channels(line), lambda x: x[0]):
        channels = list(stage)
        changed = {x[1] for x in channels if before.get(x[1]) != x[3]}
        for k, (place, channel, word, tokens) in enumerate(channels):
            cells = [_cell([tokens[t] for t in turn], bool(place)) for turn in turns]
            peak = peaks.get((place, channel), 0.0)
            told = channel in changed or (not changed and k == 0)
            names = one_line(word), one_line(channel)
            found.append(Worth(*names, tokens, cells, peak, told))
        before = {x[1]: x[3] for x in channels}
    return found


def peaks_of(lines: Sequence[Line]) -> Peaks:
    """The largest size of each channel after each word."""
    found: Peaks = {}
    for line in lines:
        for place, channel, _, tokens in _channels(line):
            sizes = [abs(x) for x in tokens if isinstance(x, int | float)]
            key = (place, channel)
            found[key] = max(found.get(key, 0.0), max(sizes, default=0.0))
    return found


def _channels(line: Line) -> Iterator[tuple[int, str, str, list[Value]]]:
    """Place, channel, word and the value of each token; the advantage at the end."""
    stages = line.get("stages", [])
    for place, stage in enumerate(stages):
        for channel, written in stage["channels"].items():
            yield place, channel, stage["word"], _spread(written, line)
    if stages:
        pairs = zip(line["advantage"], line["mask"], strict=True)
        own = ["not finite" if x is None else x for x, _ in pairs]
        mask = line["mask"]
        tokens = [x if chosen else None for x, chosen in zip(own, mask, strict=True)]
        yield len(stages), "", "advantage", tokens


def _spread(written: dict[str, Any], line: Line) -> list[Value]:
    """The value on each token, whatever the file says it is on."""
    on, value = written["on"], written["value"]
    mask, step = line["mask"], line["step_of_token"]
    own = [t for t, chosen in enumerate(mask) if chosen]
    if on == "token":
        return value
    found: list[Value] = [None] * len(mask)
    ends = {(step[t] if "step" in on else 0): t for t in own}  # the last of each
    for t in own:
        s = step[t] if "step" in on else 0
        of_step = value[s] if "step" in on and 0 <= s < len(value) else None
        here = "tokens" in on or ends[s] == t
        found[t] = (of_step if "step" in on else value) if here else None
    return found


def _cell(values: Sequence[Value], sign: bool) -> Cell:
    """One number, or one on several tokens, or the range of several."""
    say = signed if sign else number
    placed = [x for x in values if x is not None]
    numbers = [x for x in placed if not isinstance(x, str)]
    if len(numbers) < len(placed):
        return Cell("not finite", None)
    if not numbers:
        return Cell("", None)
    low, high = min(numbers), max(numbers)
    mean = sum(numbers) / len(numbers)
    if low != high:
        return Cell(f"{say(low)} to {say(high)}", mean)
    times = f" ×{len(numbers)}" if len(numbers) > 1 else ""
    return Cell(say(low) + times, mean)
