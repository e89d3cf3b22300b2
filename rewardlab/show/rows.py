"""The completions of a step side by side: what each came to, and in which order."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rewardlab.show.record import Line
from rewardlab.system.printable import one_line

VERDICT = "correct"  # the signal of it


class Row(NamedTuple):
    """One completion in a list; None and "" where there is no such thing."""

    row: int
    group: int
    reward: float | None
    verdict: str  # "right", "wrong", "absent"
    length: int  # in tokens of the policy
    advantage: float | None  # the mean over them
    kept: bool  # whether the learner saw it
    text: str

    @property
    def mark(self) -> str:
        """The verdict in one character."""
        return {"right": "✓", "wrong": "✗"}.get(self.verdict, "")


Key = Callable[[Row], Any]
VERDICTS = ("right", "wrong", "absent", "")
SORTS: dict[str, Key] = {
    "row": lambda row: row.row,
    "advantage": lambda row: _falling(row.advantage),
    "reward": lambda row: _falling(row.reward),
    "length": lambda row: -row.length,
    "verdict": lambda row: VERDICTS.index(row.verdict),
}


def rows_of(lines: Sequence[Line]) -> list[Row]:
    """Every completion of a step, in the order of the file."""
    return [_row(n, line) for n, line in enumerate(lines)]


def in_order(rows: Sequence[Row], by: str) -> list[Row]:
    """The largest, the longest or the right ones first; of equals those of the file.

    Raises `ValueError` for a key that is none.
    """
    if by not in SORTS:
        raise ValueError(f"no order {one_line(by)!r}; give --list one of {[*SORTS]}")
    return sorted(rows, key=SORTS[by])


def siblings(rows: Sequence[Row], of: int) -> list[Row]:
    """The other completions of the same prompt."""
    group = rows[of].group
    return [row for row in rows if row.group == group and row.row != of]


def _row(n: int, line: Line) -> Row:
    pairs = zip(line["advantage"], line["mask"], strict=True)
    own = [x for x, chosen in pairs if chosen]
    known = [x for x in own if x is not None]
    return Row(
        row=n,
        group=line["group"],
        reward=line["reward"],
        verdict=_verdict(line["signals"]),
        length=len(own),
        advantage=sum(known) / len(known) if known else None,
        kept=line.get("kept", True),
        text=one_line("".join(line["texts"])),
    )


def _verdict(signals: dict[str, Any]) -> str:
    value, valid = signals.get(VERDICT), signals.get(f"{VERDICT}_valid", True)
    if not isinstance(value, int | float):
        return "" if VERDICT not in signals else "absent"
    return ("right" if value > 0 else "wrong") if valid is True else "absent"


def _falling(x: float | None) -> tuple[bool, float]:
    """Larger numbers first, and what is none at the end."""
    return (x is None, -(x or 0.0))
