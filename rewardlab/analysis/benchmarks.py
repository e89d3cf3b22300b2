"""Scores of a reward model on two benchmarks, from the rewards it gives."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

Values = Float[np.ndarray, " n"]


def best_of_credit(score: Float[np.ndarray, "B K"]) -> Float[np.ndarray, " B"]:
    """1 / (number of highest) where the right answer, column 0, is among them, else 0.

    RewardBench 2 (arXiv 2506.01937), with four answers a prompt.
    """
    score = np.asarray(score, np.float64)
    highest = score == score.max(axis=1, keepdims=True)
    return np.where(highest[:, 0], 1 / highest.sum(axis=1), 0.0)


class Answers(NamedTuple):
    """The rewards of one prompt's right and wrong answers."""

    right: Values
    wrong: Values

    @property
    def margin(self) -> float:
        """The worst right answer less the best wrong one."""
        return float(np.min(self.right) - np.max(self.wrong))

    @property
    def spread(self) -> float:
        """The best right answer less the worst; NaN where there is only one."""
        several = len(self.right) > 1
        return float(np.max(self.right) - np.min(self.right)) if several else np.nan


def ties_score(tied: Mapping[int, Answers], reference: Mapping[int, Answers]) -> float:
    """RewardBench 2's "Ties": right answers far above wrong ones, near to each other.

    0.3 (tied accuracy) + 0.3 (reference accuracy) + 0.2 mean(margin > spread)
    + 0.2 mean(least margin > spread) + 0.01 mean tanh(least margin / spread - 1), at
    most 1.01. `tied` prompts have several right answers and `reference` ones with the
    same key one; the least margin is over both. Accuracy is margin > 0. A spread of 0
    gives tanh = 1 or -1 by the sign of the margin, and 0 for 0 / 0.
    """
    both = sorted(set(tied) & set(reference))
    spread = np.array([tied[k].spread for k in both])
    margin = np.array([tied[k].margin for k in both])
    least = np.minimum(margin, [reference[k].margin for k in both])
    with np.errstate(divide="ignore", invalid="ignore"):
        excess = np.nan_to_num(np.tanh(least / spread - 1), nan=0.0)
    return (
        0.3 * _mean([a.margin > 0 for a in tied.values()])
        + 0.3 * _mean([a.margin > 0 for a in reference.values()])
        + 0.2 * _mean(margin > spread)
        + 0.2 * _mean(least > spread)
        + 0.01 * _mean(excess)
    )


def _mean(x: object) -> float:
    values = np.asarray(x, np.float64)
    return float(values.mean()) if values.size else 0.0


def one_to_many_accuracy(answers: Answers, strict: bool = True) -> bool:
    """Whether every right answer is above every wrong one (RewardMATH, 2410.01729).

    Without `strict` a tie passes.
    """
    return answers.margin > 0 or (not strict and answers.margin == 0)


def first_right_rank(answers: Answers) -> int:
    """1 + the wrong answers that are at least as high as the best right one."""
    return 1 + int(np.sum(np.asarray(answers.wrong) >= np.max(answers.right)))


def reciprocal_rank(answers: Answers) -> float:
    """1 / first_right_rank; its mean over prompts is RewardMATH's MRR."""
    return 1 / first_right_rank(answers)


def relative_rank(answers: Answers) -> float:
    """(n - first_right_rank) / (n - 1) of n answers: 1 is first, 0 is last; 1 alone."""
    n = len(answers.right) + len(answers.wrong)
    return (n - first_right_rank(answers)) / (n - 1) if n > 1 else 1.0


def mean_logit(p: Values) -> float:
    """sigmoid(mean log(p / (1 - p))): 0 or 1 as soon as one step is, NaN for both."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        p = np.asarray(p, np.float64)
        return float(1 / (1 + np.exp(-np.mean(np.log(p / (1 - p))))))


def mean_odds(p: Values) -> float:
    """max(0, mean p / (1 - p)): infinite as soon as one step has p = 1."""
    with np.errstate(divide="ignore"):
        p = np.asarray(p, np.float64)
        return float(np.maximum(0, np.mean(p / (1 - p))))


# How RewardMATH makes one score of a process reward model's steps.
STEP_SCORES: dict[str, Callable[[Values], float]] = {
    "min": lambda p: float(np.min(p)),
    "max": lambda p: float(np.max(p)),
    "prod": lambda p: float(np.prod(p)),
    "mean": lambda p: float(np.mean(p)),
    "geometric_mean": lambda p: float(np.prod(p) ** (1 / len(p))),
    "mean_logit": mean_logit,
    "mean_odd": mean_odds,
    "last": lambda p: float(p[-1]),
}
