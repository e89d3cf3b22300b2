"""Two sets of statements against each other."""

import numpy as np
from jaxtyping import Float


def best_match(similarity: Float[np.ndarray, "P R"]) -> float:
    """mean_i max_j S[i, j]: each statement and its nearest other; 0 for none."""
    table = np.asarray(similarity, float)
    return float(table.max(axis=1).mean()) if table.size else 0.0


def bidirectional_best_match(similarity: Float[np.ndarray, "P R"]) -> float:
    """(mean_i max_j S + mean_j max_i S) / 2: Mixed-R1's BMAS (2505.24164).

    What is said must be in the reference, and what is in the reference must be said.
    The formula is read from the abstract.
    """
    table = np.asarray(similarity, float)
    return (best_match(table) + best_match(table.T)) / 2
