"""Alarms: signs that a run goes wrong, read from its metrics.

The progress line, the end of a run and a report read them here; the rules are in
`detectors`. An alarm is no verdict: it says where to look.
"""

from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple

from rewardlab.runs.detectors import (
    DETECTORS,
    HEAD,
    HELD_OUT,
    TAIL,
    WINDOW,
    Detector,
    Rows,
    ends_of,
    of_learning,
)


class Alarm(NamedTuple):
    """What was seen first in which step, in a sentence, and the number it rests on."""

    name: str
    step: int
    said: str
    value: float


def alarms_now(rows: Rows) -> list[Alarm]:
    """Those that the rows up to now give, by name."""
    found = []
    for name, detector in DETECTORS.items():
        if (seen := detector.sees(rows)) is not None:
            found.append(Alarm(name, int(rows[-1]["step"]), *seen))
    return found


class Watch:
    """The alarms of a run while it goes on, from its first steps and its last ones."""

    def __init__(self, rows: Rows = ()) -> None:
        self.first: list[Mapping[str, Any]] = []
        self.judged: list[Mapping[str, Any]] = []  # the first row and the last one
        self.last: deque[Mapping[str, Any]] = deque(maxlen=TAIL)
        for row in rows:
            self.add(row)

    def add(self, row: Mapping[str, Any]) -> None:
        """A step's metrics, in the order of steps."""
        if row.get(HELD_OUT) is not None:
            self.judged = [*self.judged[:1], row]
        if row.get("policy_rests"):
            return
        if len(self.first) < HEAD:
            self.first.append(row)
        else:
            self.last.append(row)

    def now(self) -> list[Alarm]:
        """Those of the steps so far."""
        every = (*self.first, *self.judged, *self.last)
        rows = {row["step"]: row for row in every}
        return alarms_now([rows[step] for step in sorted(rows)]) if rows else []


def alarms_of(rows: Rows) -> list[Alarm]:
    """The alarms of a run at its end, each with the first step from which it lasted."""
    found, rows = list[Alarm](), of_learning(rows)
    for alarm in alarms_now(rows):
        sees, first = DETECTORS[alarm.name].sees, len(rows)
        while first > 1 and sees(rows[: first - 1]) is not None:
            first -= 1
        found.append(alarm._replace(step=int(rows[first - 1]["step"])))
    return found


def unmeasured(rows: Rows) -> dict[str, str]:
    """By alarm, why the rows of a run can neither give it nor deny it."""
    known = {name for row in rows for name, x in row.items() if x is not None}
    said = {alarm: _lacks(rows, known, of) for alarm, of in DETECTORS.items()}
    return {alarm: why for alarm, why in said.items() if why}


def _lacks(rows: Rows, known: set[str], of: Detector) -> str:
    """What keeps a rule from being read; "" where nothing does."""
    every = {x: [n for n in known if n == x or _begins(n, x)] for x in of.reads}
    if lacks := [name for name, found in every.items() if not found]:
        named = " and ".join(f"{x}…" if x.endswith("/") else x for x in lacks)
        return f"no {named}, measured {of.where}"
    if of.reads == (HELD_OUT,):
        judged = sum(row.get(HELD_OUT) is not None for row in rows)
        return "" if judged > 1 else "there is one evaluation so far"
    for name, found in every.items():
        if all(ends_of(rows, n) is None for n in found):
            steps = sum(bool(row["step"]) for row in rows)
            few = f"it takes {2 * WINDOW} steps, and there are {steps}"
            hole = f"{name} is not there in the first or the last steps"
            return few if steps < 2 * WINDOW else hole
    return ""


def _begins(name: str, of: str) -> bool:
    return of.endswith("/") and name.startswith(of)
