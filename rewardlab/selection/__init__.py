"""Which rows or prompts are trained on, weighted or replayed: functions of arrays.

Groups are ids 0..B-1, one for each row, as `rollout.group`; B is static. A method's
`select` is a sentence of `SELECTORS`: words that keep rows, `refill`, which samples
other problems in the place of those that are dropped, and words that bring rows in
from elsewhere, or choose problems, and keep a state (`brings`).
"""

from rewardlab.selection.words import (
    SELECT,
    SELECTORS,
    Selector,
    refills_of,
    rounds_of,
    select_rows,
    signals_of,
    words_of,
)

__all__ = [
    "SELECT",
    "SELECTORS",
    "Selector",
    "refills_of",
    "rounds_of",
    "select_rows",
    "signals_of",
    "words_of",
]
