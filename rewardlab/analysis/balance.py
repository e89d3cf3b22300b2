"""Exploration and exploitation in one number: B-STaR's balance score.

(arXiv 2412.17256.) Of a query's n selected completions c are right.
"""

import numpy as np
from jaxtyping import Float, Int

Counts = Int[np.ndarray, " B"]


def balance_score(
    correct: Counts, selected: Counts, enough: int = 8
) -> Float[np.ndarray, " B"]:
    """min(c / enough, 1) * c / n of each query; 0 where nothing is selected.

    The first factor asks for enough right completions, the second for few wrong ones.
    Temperature and threshold are set to the values with the best mean.
    """
    return quantity(correct, enough) * quality(correct, selected)


def quantity(correct: Counts, enough: int = 8) -> Float[np.ndarray, " B"]:
    """min(c / enough, 1)."""
    return np.minimum(np.asarray(correct) / enough, 1.0)


def quality(correct: Counts, selected: Counts) -> Float[np.ndarray, " B"]:
    """c / n, and 0 where n is 0."""
    return np.asarray(correct) / np.maximum(selected, 1)


def balance_score_fixed(
    correct: Counts, selected: Counts, enough: int = 8
) -> Float[np.ndarray, " B"]:
    """c / n where c >= enough, else c / enough: the code's variant, not the paper's."""
    filled = np.asarray(correct) >= enough
    return np.where(filled, quality(correct, selected), quantity(correct, enough))
