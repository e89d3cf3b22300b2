"""The minimax winner: the mixture of completions that no completion beats."""

import numpy as np
from jaxtyping import Float


def minimax_winner(
    preference: Float[np.ndarray, "N N"], tol: float = 1e-12
) -> Float[np.ndarray, " N"]:
    """p that maximises min_j sum_i p_i (P[i, j] - 1/2); the value is 0 (2401.04056).

    A Condorcet winner gets all the weight, and rock, paper and scissors a third each.
    P[i, j] is the chance that i beats j, with P + P^T = 1. The linear programme is
    solved exactly, by the simplex method with Bland's rule, so it always ends; if there
    are several winners, one of them.

    With M = P - min P + 1 > 0, which adds a constant to the game, the other player's
    programme is max 1'y, M y <= 1, y >= 0. It starts feasible at y = 0, and its prices
    x >= 0 are the p of this player, times a constant.
    """
    table = np.asarray(preference, float)
    n = len(table)
    if table.shape != (n, n):
        raise ValueError(f"minimax_winner needs a square table and has {table.shape}")
    if not np.isfinite(table).all():
        raise ValueError("minimax_winner has a preference that is no number; give 0.5")
    if n == 0:
        return np.zeros(0)
    positive = table - table.min() + 1
    tableau = np.block(
        [[positive, np.eye(n), np.ones((n, 1))], [-np.ones(n), np.zeros(n + 1)]]
    )
    basis = list(range(n, 2 * n))
    while np.any(tableau[-1, :-1] < -tol):
        _pivot(tableau, basis, tol)
    prices = np.maximum(tableau[-1, n : 2 * n], 0)
    return prices / prices.sum()


def _pivot(tableau: Float[np.ndarray, "R C"], basis: list[int], tol: float) -> None:
    """One step of the simplex method, in place; Bland's rule takes the least index."""
    column = int(np.argmax(tableau[-1, :-1] < -tol))
    entry = tableau[:-1, column]
    ratio = np.full(len(entry), np.inf)
    np.divide(tableau[:-1, -1], entry, out=ratio, where=entry > tol)
    tied = np.nonzero(ratio <= ratio.min() + tol)[0]
    row = min(tied, key=lambda i: basis[i])
    tableau[row] /= tableau[row, column]
    for other in range(len(tableau)):
        if other != row:
            tableau[other] -= tableau[other, column] * tableau[row]
    basis[row] = column
