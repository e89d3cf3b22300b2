"""The completions that say most: what is paid best and worst, and what is paid wrongly.

A wrong answer that is paid more than a right one is what a policy learns to exploit.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from rewardlab.show.rows import Row


class Kind(NamedTuple):
    """What is looked for: the highest or the lowest paid, of one verdict or of any."""

    name: str
    sign: int  # 1: the highest paid, -1: the lowest
    verdict: str = ""  # "": whatever it is


KINDS = (
    Kind("highest-paid wrong", 1, "wrong"),
    Kind("lowest-paid right", -1, "right"),
    Kind("highest paid", 1),
    Kind("lowest paid", -1),
)


def extremes(rows: Sequence[tuple[Any, Row]]) -> dict[str, tuple[Any, Row]]:
    """By the name of its kind, a row with what it was handed in with.

    Only rows that were paid and that the learner saw; of equals the first. A kind that
    no row is of is absent.
    """
    paid = [(of, row) for of, row in rows if row.kept and row.reward is not None]
    found = {}
    for kind in KINDS:
        fits = [x for x in paid if kind.verdict in ("", x[1].verdict)]
        if fits:
            found[kind.name] = max(fits, key=lambda x: kind.sign * (x[1].reward or 0.0))
    return found
