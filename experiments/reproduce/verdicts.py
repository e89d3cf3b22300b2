"""What the seeds of a study say of its claim."""

from collections.abc import Mapping, Sequence

import numpy as np

from experiments.reproduce.study import Expected
from rewardlab.analysis.statistics import Comparison, compare, holm
from rewardlab.results.cells import both
from rewardlab.results.numbers import Numbers, range_of

REPRODUCED, REVERSED = "reproduced", "reversed"
UNSEEN, WAITS = "not at this scale", "not run"
Answer = tuple[str, str]  # one of these words, and the sentence that it rests on


def answers(expects: Sequence[Expected], numbers: Numbers) -> list[Answer]:
    """The verdict of each expectation; Holm's correction over those of a measure.

    "Higher" and "lower" are reproduced, or reversed, where the corrected p is at most
    0.05. "As high as" is reproduced where the whole interval of the paired differences
    lies above -margin, and reversed where it lies below.
    """
    compared = {one: _compared(one, numbers) for one in expects}
    adjusted = _adjusted(compared)
    return [_answer(one, compared[one], adjusted.get(one, 1.0)) for one in expects]


def of_study(found: Sequence[Answer]) -> str:
    """The verdict of all: reproduced where every expectation is; reversed where one
    is."""
    words = [word for word, _ in found]
    for word in (REVERSED, WAITS, UNSEEN):
        if word in words:
            return word
    return REPRODUCED if words else ""


def _compared(one: Expected, numbers: Numbers) -> Comparison | None:
    if not {one.arm, one.than} <= numbers.keys():
        return None
    ours, theirs = numbers[one.arm], numbers[one.than]
    if one.measure not in ours or np.isinf([*ours[one.measure]]).any():
        return None
    pair = both(ours[one.measure], theirs[one.measure])
    if np.isinf(theirs[one.measure]).any() or len(pair[0]) < 2:
        return None
    return compare(*pair, (one.arm, one.than), range_of(one.measure, numbers))


def _adjusted(compared: Mapping[Expected, Comparison | None]) -> dict[Expected, float]:
    """Holm's p of those that say higher or lower, measure by measure."""
    found: dict[Expected, float] = {}
    for measure in {one.measure for one in compared}:
        of = [x for x, c in compared.items() if c and x.measure == measure]
        of = [x for x in of if x.sign != "="]
        p = np.array([compared[x].p for x in of])  # type: ignore[union-attr]
        found |= dict(zip(of, map(float, holm(p)), strict=True))
    return found


def _answer(one: Expected, found: Comparison | None, p: float) -> Answer:
    if found is None:
        return WAITS, f"{one}: too few seeds came so far"
    gap = found.difference
    said = f"{one.arm} - {one.than} = {gap}"
    if one.sign == "=":
        bound = f"{said}; a loss of {one.margin:g} would count"
        if gap.low > -one.margin:
            return REPRODUCED, bound
        return (REVERSED if gap.high < -one.margin else UNSEEN), bound
    corrected = f"{said}, Holm's p = {p:.3f}"
    if p > 0.05:
        seen = f"; these seeds see {found.seen:.3f} with 80 % power"
        return UNSEEN, corrected + seen
    as_said = (gap.mean > 0) == (one.sign == ">")
    return (REPRODUCED if as_said else REVERSED), corrected
