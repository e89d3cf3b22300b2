"""Which rows or prompts are trained on, weighted or replayed: functions of arrays.

Groups are ids 0..B-1, one for each row, as `rollout.group`; B is static. A method's
`select` is a sentence of `SELECTORS`. `refill` samples other prompts in the place
of those that are dropped. No run replays a row or chooses the next prompts yet:
`curriculum`, `hints` and `replay` are for loops of your own.
"""

from rewardlab.selection.words import (
    SELECT,
    SELECTORS,
    Selector,
    rounds_of,
    select_rows,
    signals_of,
)

__all__ = ["SELECT", "SELECTORS", "Selector", "rounds_of", "select_rows", "signals_of"]
