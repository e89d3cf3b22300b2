"""Signs that a run goes wrong, read from its metrics: alarms.

Each detector compares the last steps with the first ones by a rule of one or two
numbers, which were chosen before they were tried on runs (docs/lab.md has how often
each is right). An alarm is no verdict: it says where to look.
"""

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

Rows = Sequence[Mapping[str, Any]]

WINDOW = 10  # steps at both ends that are compared
ERRORS = 3.0  # standard errors that two means must be apart
TRUTH = "rewards/correct/mean"


class Alarm(NamedTuple):
    """What was seen first in which step, in a sentence, and the number it rests on."""

    name: str
    step: int
    said: str
    value: float


class Ends(NamedTuple):
    """A number in the first steps and in the last ones."""

    first: float
    last: float
    error: float  # the standard error of last - first

    @property
    def rises(self) -> bool:
        return self.last - self.first > ERRORS * self.error

    @property
    def falls(self) -> bool:
        return self.first - self.last > ERRORS * self.error


def ends_of(rows: Rows, name: str) -> Ends | None:
    """The means over the first and the last `WINDOW` steps that have a number.

    None for fewer than two windows of them. The error takes steps as independent.
    """
    begun = list(itertools.islice(_values(rows, name), 2 * WINDOW))
    if len(begun) < 2 * WINDOW:
        return None
    a = np.array(begun[:WINDOW], float)
    b = np.array(list(itertools.islice(_values(reversed(rows), name), WINDOW)), float)
    error = np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / WINDOW)
    return Ends(float(a.mean()), float(b.mean()), float(error))


def _values(rows: Iterable[Mapping[str, Any]], name: str) -> Iterator[float]:
    return (x for row in rows if (x := row.get(name)) is not None)


def _names(rows: Rows, prefix: str) -> list[str]:
    """What begins so among the numbers of the last steps."""
    return sorted({k for row in rows[-WINDOW:] for k in row if k.startswith(prefix)})


def divergence(rows: Rows) -> tuple[str, float] | None:
    """What is trained on goes up while the truth goes down."""
    paid, truth = ends_of(rows, "reward/mean"), ends_of(rows, TRUTH)
    if not paid or not truth or not (paid.rises and truth.falls):
        return None
    said = (
        f"the reward went from {paid.first:.2f} to {paid.last:.2f} while the share "
        f"that is right went from {truth.first:.1%} to {truth.last:.1%}"
    )
    return said, truth.last - truth.first


def truth_falls(rows: Rows) -> tuple[str, float] | None:
    """Fewer training completions are right than at first, by a quarter or more."""
    truth = ends_of(rows, TRUTH)
    if not truth or not truth.falls or truth.last > 0.75 * truth.first:
        return None
    said = f"the share that is right fell from {truth.first:.1%} to {truth.last:.1%}"
    return said, truth.last - truth.first


def below_base(rows: Rows) -> tuple[str, float] | None:
    """Held-out pass@1 is below that of the policy the run began with.

    By a tenth of it or more: both are means over the same problems.
    """
    began = next(_values(rows, "eval/pass@1"), None)
    now = next(_values(reversed(rows), "eval/pass@1"), None)
    if began is None or now is None or now >= 0.9 * began:
        return None
    return f"held-out pass@1 is {now:.1%} and began at {began:.1%}", now


def length_drift(rows: Rows) -> tuple[str, float] | None:
    """Completions are half as long again as at first, or half as long."""
    length = ends_of(rows, "completions/mean_length")
    if not length or not (length.rises or length.falls) or not length.first:
        return None
    times = length.last / length.first
    if 0.5 < times < 1.5:
        return None
    said = f"completions went from {length.first:.0f} to {length.last:.0f} tokens"
    return said, times


def truncation(rows: Rows) -> tuple[str, float] | None:
    """A limit cuts most of the completions that are wrong: zeros may be no answers."""
    cut = ends_of(rows, "completions/clipped_of_wrong")
    share = ends_of(rows, "completions/clipped_ratio")
    if not cut or not share or cut.last < 0.5 or share.last < 0.2:
        return None
    said = (
        f"{cut.last:.0%} of the wrong completions were cut by a limit "
        f"({share.last:.0%} of all); raise it, or see why they do not end"
    )
    return said, cut.last


def dead_groups(rows: Rows) -> tuple[str, float] | None:
    """In most groups all rewards are equal, so they teach nothing."""
    dead = ends_of(rows, "frac_reward_zero_std")
    truth = ends_of(rows, TRUTH)
    if not dead or dead.last < 0.8 or (truth and truth.last > 0.9):
        return None
    return f"in {dead.last:.0%} of the groups all rewards are equal", dead.last


def entropy_collapse(rows: Rows) -> tuple[str, float] | None:
    """The policy has hardly any entropy left while it is not right."""
    entropy, truth = ends_of(rows, "entropy"), ends_of(rows, TRUTH)
    if not entropy or not entropy.falls or entropy.last > 0.2 * entropy.first:
        return None
    if truth and truth.last > 0.9:
        return None
    said = f"entropy fell from {entropy.first:.3f} to {entropy.last:.3f} nats a token"
    return said, entropy.last


def repetition(rows: Rows) -> tuple[str, float] | None:
    """More of each completion has stood in it before."""
    again = ends_of(rows, "completions/repeated")
    if not again or not again.rises or again.last < again.first + 0.1:
        return None
    said = f"{again.last:.0%} of the tokens repeat what stood before ({again.first:.0%}"
    return f"{said} at first)", again.last


def saturation(rows: Rows) -> tuple[str, float] | None:
    """A clip of the sentence acts on everything or on nothing: its limit is idle."""
    for name in _names(rows, "saturation/"):
        acts = ends_of(rows, name)
        if acts and not 0.01 < acts.last < 0.99:
            word = name.removeprefix("saturation/")
            share = "all" if acts.last > 0.5 else "none"
            said = f"{word} changes {share} of its rewards, so other limits might too"
            return said, acts.last
    return None


def domination(rows: Rows) -> tuple[str, float] | None:
    """One of several rewards makes nearly all of the spread of their sum."""
    names = _names(rows, "share_of_spread/")
    found = [(name, ends) for name in names if (ends := ends_of(rows, name))]
    if len(found) < 2:
        return None
    name, ends = max(found, key=lambda x: x[1].last)
    if ends.last < 0.95:
        return None
    said = (
        f"{name.removeprefix('share_of_spread/')} makes {ends.last:.0%} of the spread"
    )
    return f"{said} of the rewards that are added", ends.last


Detector = Callable[[Rows], tuple[str, float] | None]
DETECTORS: dict[str, Detector] = {
    "below_base": below_base,
    "dead_groups": dead_groups,
    "divergence": divergence,
    "domination": domination,
    "entropy_collapse": entropy_collapse,
    "length_drift": length_drift,
    "repetition": repetition,
    "saturation": saturation,
    "truncation": truncation,
    "truth_falls": truth_falls,
}


def alarms_now(rows: Rows) -> list[Alarm]:
    """Those that the rows up to now give, by name."""
    found = []
    for name, detector in DETECTORS.items():
        if (seen := detector(rows)) is not None:
            found.append(Alarm(name, int(rows[-1]["step"]), *seen))
    return found


class Watch:
    """The alarms of a run while it goes on, from its first steps and its last ones."""

    def __init__(self, rows: Rows = ()) -> None:
        self.first: list[Mapping[str, Any]] = []
        self.judged: list[Mapping[str, Any]] = []  # the first row and the last one
        self.last: deque[Mapping[str, Any]] = deque(maxlen=2 * WINDOW)
        for row in rows:
            self.add(row)

    def add(self, row: Mapping[str, Any]) -> None:
        """A step's metrics, in the order of steps."""
        if row.get("eval/pass@1") is not None:
            self.judged = [*self.judged[:1], row]
        if len(self.first) <= 2 * WINDOW:
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
    found = []
    for alarm in alarms_now(rows):
        detector, first = DETECTORS[alarm.name], len(rows)
        while first > 1 and detector(rows[: first - 1]) is not None:
            first -= 1
        found.append(alarm._replace(step=int(rows[first - 1]["step"])))
    return found
