"""Whether a reward model's probabilities are as often right as they say."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

Values = Float[np.ndarray, " n"]


class Calibration(NamedTuple):
    """Errors over bins of probability, each |mean p - mean y|; 0 where there is none.

    `expected` weighs bins by their size (ECE), `average` does not (ACE), `greatest` is
    the worst bin (MCE).
    """

    expected: float
    average: float
    greatest: float


def uniform_edges(bins: int) -> Values:
    """Edges of bins of equal width in [0, 1]."""
    return np.linspace(0.0, 1.0, bins + 1)


def quantile_edges(probability: Values, bins: int) -> Values:
    """Edges of bins of equal size."""
    if not np.size(probability):
        return uniform_edges(bins)
    return np.percentile(probability, np.linspace(0.0, 1.0, bins + 1) * 100)


def calibration_error(right: Values, probability: Values, edges: Values) -> Calibration:
    """How far `probability` is from the share that is `right`, bin by bin.

    A probability on an inner edge belongs to the bin below. Pairs of a reward model
    have probability sigmoid(r_chosen - r_rejected). (MORE, arXiv 2312.07401)
    """
    right, probability = np.asarray(right, float), np.asarray(probability, float)
    if not right.size:
        return Calibration(0.0, 0.0, 0.0)
    bin_ = np.searchsorted(edges[1:-1], probability, side="left")
    counts = np.bincount(bin_, minlength=len(edges) - 1)
    said = np.bincount(bin_, weights=probability, minlength=len(edges) - 1)
    true = np.bincount(bin_, weights=right, minlength=len(edges) - 1)
    filled = counts > 0
    total, each = np.abs(said - true), (np.abs(said - true)[filled] / counts[filled])
    return Calibration(
        float(total.sum() / right.size), float(each.mean()), float(each.max())
    )


def pair_probabilities(
    score: Values, label: Values, group: Int[np.ndarray, " n"]
) -> tuple[Values, Values]:
    """(right, probability) of every pair of a group whose labels differ.

    A pair is right (1; 1/2 for equal scores) where the higher score has the higher
    label, and said to be so with probability sigmoid(|difference of scores|).
    """
    right, said = [], []
    for one in np.unique(group):
        rows = np.flatnonzero(group == one)
        i, j = (rows[x] for x in np.triu_indices(len(rows), 1))
        lead, true = score[i] - score[j], label[i] - label[j]
        there = true != 0
        right.append((1 + np.sign(lead * true))[there] / 2)
        said.append(1 / (1 + np.exp(-np.abs(lead[there]))))
    return np.concatenate([*right, []]), np.concatenate([*said, []])
