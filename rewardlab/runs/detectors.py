"""The rules by which a run goes wrong, each read from rows of `metrics.jsonl`.

A rule compares the last steps with the first ones by one or two numbers, which were
chosen before they were tried on runs (docs/lab.md has the table, and how often each is
right). What it reads lies in the first and the last rows alone, so a run that goes on
needs to keep no others.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

Rows = Sequence[Mapping[str, Any]]
Seen = tuple[str, float]  # a sentence, and the number that it rests on
Measured = list[tuple[int, float]]  # steps, and a number in each

WINDOW = 10  # steps at both ends that are compared
HEAD, TAIL = 2 * WINDOW + 1, 2 * WINDOW  # rows that are looked at; step 0 is no step
ERRORS = 3.0  # standard errors that two means must be apart
TRUTH, HELD_OUT = "rewards/correct/mean", "eval/pass@1"
GOOD = 0.9  # of all right: nearly as good as it can be


def of_learning(rows: Rows) -> Rows:
    """The rows in which the policy learned, and those that have held-out numbers.

    While scorers warm up it rests, and is paid by models that have not learned yet.
    """
    return [row for row in rows if not row.get("policy_rests") or HELD_OUT in row]


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

    They are looked for in the first `HEAD` and the last `TAIL` rows: a number that is
    not measured any more says nothing of now. None for fewer than two whole windows.
    The error takes steps as independent.
    """
    return _compared(
        _measured(rows[:HEAD], name)[:WINDOW], _measured(rows[-TAIL:], name)[-WINDOW:]
    )


def lately(rows: Rows, name: str) -> Ends | None:
    """The same, of the last `WINDOW` steps and the ones before them."""
    known = _measured(rows[-TAIL:], name)
    return _compared(known[:-WINDOW][-WINDOW:], known[-WINDOW:])


def _compared(first: Measured, last: Measured) -> Ends | None:
    whole = len(first) == len(last) == WINDOW
    if not whole or first[-1][0] >= last[0][0]:
        return None
    a, b = (np.array([x for _, x in part], float) for part in (first, last))
    error = np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / WINDOW)
    return Ends(float(a.mean()), float(b.mean()), float(error))


def _measured(rows: Rows, name: str) -> Measured:
    return [(row["step"], x) for row in rows if (x := row.get(name)) is not None]


def _values(rows: Iterable[Mapping[str, Any]], name: str) -> Iterator[float]:
    return (x for row in rows if (x := row.get(name)) is not None)


def _names(rows: Rows, prefix: str) -> list[str]:
    """What begins so among the numbers of the last steps."""
    return sorted({k for row in rows[-WINDOW:] for k in row if k.startswith(prefix)})


def divergence(rows: Rows) -> Seen | None:
    """What is trained on goes up while the truth goes down."""
    paid, truth = ends_of(rows, "reward/mean"), ends_of(rows, TRUTH)
    if not paid or not truth or not (paid.rises and truth.falls):
        return None
    said = (
        f"the reward went from {paid.first:.2f} to {paid.last:.2f} while the share "
        f"that is right went from {truth.first:.1%} to {truth.last:.1%}"
    )
    return said, truth.last - truth.first


def truth_falls(rows: Rows) -> Seen | None:
    """Fewer training completions are right than at first, by a quarter or more."""
    truth = ends_of(rows, TRUTH)
    if not truth or not truth.falls or truth.last > 0.75 * truth.first:
        return None
    said = f"the share that is right fell from {truth.first:.1%} to {truth.last:.1%}"
    return said, truth.last - truth.first


def below_base(rows: Rows) -> Seen | None:
    """Held-out pass@1 is below that of the policy the run began with.

    By a tenth of it or more: both are means over the same problems.
    """
    began = next(_values(rows, HELD_OUT), None)
    now = next(_values(reversed(rows), HELD_OUT), None)
    if began is None or now is None or now >= 0.9 * began:
        return None
    return f"held-out pass@1 is {now:.1%} and began at {began:.1%}", now


def length_drift(rows: Rows) -> Seen | None:
    """Completions are half as long again as at first, or half as long."""
    length = ends_of(rows, "completions/mean_length")
    if not length or not (length.rises or length.falls) or not length.first:
        return None
    times = length.last / length.first
    if 0.5 < times < 1.5:
        return None
    said = f"completions went from {length.first:.0f} to {length.last:.0f} tokens"
    return said, times


def truncation(rows: Rows) -> Seen | None:
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


def dead_groups(rows: Rows) -> Seen | None:
    """In most groups all rewards are equal, so they teach nothing."""
    dead = ends_of(rows, "frac_reward_zero_std")
    truth = ends_of(rows, TRUTH)
    if not dead or dead.last < 0.8 or (truth and truth.last > GOOD):
        return None
    return f"in {dead.last:.0%} of the groups all rewards are equal", dead.last


def entropy_collapse(rows: Rows) -> Seen | None:
    """Hardly any entropy is left, most of what was wrong still is, and no more of it
    is learned.

    A policy that learns loses its entropy too, along with its errors: only where they
    stay has it stopped to explore before it knew.
    """
    entropy, truth = ends_of(rows, "entropy"), ends_of(rows, TRUTH)
    now = lately(rows, TRUTH)
    if not entropy or not truth or not now:
        return None
    if not entropy.falls or entropy.last > 0.2 * entropy.first:
        return None
    wrong, wrong_at_first = 1 - truth.last, 1 - truth.first
    learned = truth.last > GOOD or wrong <= 0.5 * wrong_at_first
    if learned or now.rises:
        return None
    said = f"entropy fell from {entropy.first:.3f} to {entropy.last:.3f} nats a token "
    said += f"and {wrong:.1%} are still wrong, of {wrong_at_first:.1%} at first"
    return said, entropy.last


def repetition(rows: Rows) -> Seen | None:
    """More of each completion has stood in it before."""
    again = ends_of(rows, "completions/repeated")
    if not again or not again.rises or again.last < again.first + 0.1:
        return None
    said = f"{again.last:.0%} of all runs of four tokens stood in the completion before"
    return f"{said} ({again.first:.0%} at first)", again.last


def saturation(rows: Rows) -> Seen | None:
    """A clip of the sentence acts on everything or on nothing: its limit is idle."""
    for name in _names(rows, "saturation/"):
        acts = ends_of(rows, name)
        if acts and not 0.01 < acts.last < 0.99:
            word = name.removeprefix("saturation/")
            share = "all" if acts.last > 0.5 else "none"
            said = (
                f"{word} leaves {share} of its rewards at a limit ({acts.last:.0%}), "
            )
            return f"{said}so another limit would change nothing", acts.last
    return None


def domination(rows: Rows) -> Seen | None:
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


class Detector(NamedTuple):
    """A rule, the numbers that it cannot do without, and which runs measure them.

    A name that ends with a stroke stands for all that begin so.
    """

    sees: Callable[[Rows], Seen | None]
    reads: tuple[str, ...]
    where: str = "where completions are judged right or wrong"


EVERYWHERE = "in every run"
DETECTORS: dict[str, Detector] = {
    "below_base": Detector(below_base, (HELD_OUT,)),
    "dead_groups": Detector(dead_groups, ("frac_reward_zero_std",), EVERYWHERE),
    "divergence": Detector(divergence, ("reward/mean", TRUTH)),
    "domination": Detector(
        domination, ("share_of_spread/",), "where weighted_sum adds rewards"
    ),
    "entropy_collapse": Detector(entropy_collapse, ("entropy", TRUTH)),
    "length_drift": Detector(length_drift, ("completions/mean_length",), EVERYWHERE),
    "repetition": Detector(repetition, ("completions/repeated",), EVERYWHERE),
    "saturation": Detector(
        saturation, ("saturation/",), "where a word that clips stands in the sentence"
    ),
    "truncation": Detector(
        truncation, ("completions/clipped_of_wrong", "completions/clipped_ratio")
    ),
    "truth_falls": Detector(truth_falls, (TRUTH,)),
}
