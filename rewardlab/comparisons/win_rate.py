"""How often a completion beats the others."""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float


def win_rate(
    preference: Float[np.ndarray, "N N"], with_self: bool = False
) -> Float[np.ndarray, " N"]:
    """r_i = mean over j != i of P[i, j], the chance that i beats j (SPO, 2401.04056).

    The rewards of a group have mean 1/2 if P + P^T = 1. `with_self` also counts the tie
    of each with itself, 1/2. One completion alone gets 1/2.
    """
    table = np.array(preference, float)
    n = len(table)
    np.fill_diagonal(table, 0.5 if with_self else 0.0)
    others = n if with_self else n - 1
    return table.sum(axis=1) / others if others else np.full(n, 0.5)


Verdict = tuple[int, int, float | None]  # first, second, and 1, -1, 0 or None


def win_rate_of_verdicts(
    n: int, verdicts: Iterable[Verdict], decimals: int | None = None
) -> Float[np.ndarray, " N"]:
    """Wins over comparisons; a tie (0) or an unreadable verdict (None) is half a win.

    1 says that the first won and -1 the second. Each pair need be judged only once, so
    the order in which a judge sees a pair is not averaged out. `decimals` rounds as the
    code of Pref-GRPO does, with 3 (2508.20751). Never compared gives 0.
    """
    wins, matches = np.zeros(n), np.zeros(n)
    for first, second, verdict in verdicts:
        share = 0.5 if verdict is None else (1 + np.sign(verdict)) / 2
        wins[first] += share
        wins[second] += 1 - share
        matches[[first, second]] += 1
    rate = wins / np.maximum(matches, 1)
    return rate if decimals is None else np.round(rate, decimals)
