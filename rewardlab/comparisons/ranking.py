"""From places in a ranking to rewards in [0, 1]."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

# Both scores of a match between completions i and j; the higher wins.
Judge = Callable[[int, int], tuple[float, float]]
UNDECIDED = (5.0, 5.0)  # what a judge that fails should give, of 10


def table_judge(scores: Float[np.ndarray, "N N"]) -> Judge:
    """A judge that reads a table: [i, j] is the score of i when it meets j."""
    return lambda i, j: (float(scores[i][j]), float(scores[j][i]))


def two_sided(judge: Judge) -> Judge:
    """The judge asked in both orders, with the scores of each summed (2601.06487)."""

    def judge_twice(i: int, j: int) -> tuple[float, float]:
        (first, second), (second_again, first_again) = judge(i, j), judge(j, i)
        return first + first_again, second + second_again

    return judge_twice


def rank_rewards(
    scores: Sequence[float] | Float[np.ndarray, " N"],
) -> Float[np.ndarray, " N"]:
    """(worst - rank) / (worst - 1), with equal scores at the best rank of their places.

    Rank 1 is the highest score and `worst` the greatest rank there is; 0 for all if all
    are equal. Without ties the rewards are evenly spaced from 0 to 1. A NaN, which
    nobody would beat, is a `ValueError`.
    """
    score = np.asarray(scores, float)
    if np.isnan(score).any():
        raise ValueError(
            "rank_rewards has a score that is NaN; give `UNDECIDED` instead"
        )
    rank = 1 + np.sum(score[None] > score[:, None], axis=1)
    worst = rank.max(initial=1)
    return (worst - rank) / max(worst - 1, 1)


def order_rewards(order: Sequence[int]) -> Float[np.ndarray, " N"]:
    """1 - place / (n - 1) of completions listed from best to worst; 0 of one alone."""
    rewards = np.zeros(len(order))
    rewards[list(order)] = np.linspace(1, 0, len(order)) if len(order) > 1 else 0
    return rewards
