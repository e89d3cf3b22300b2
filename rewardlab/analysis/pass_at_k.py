"""pass@k: the chance that at least one of k samples is right (arXiv 2107.03374)."""

import numpy as np
from jaxtyping import Bool, Float, Int

from rewardlab.analysis.statistics import Interval, wilson


def pass_at_k(
    correct: Int[np.ndarray, " B"], samples: Int[np.ndarray, " B"] | int, k: int
) -> Float[np.ndarray, " B"]:
    """1 - C(n - c, k) / C(n, k) for each problem with c right of n samples.

    This is unbiased where 1 - (1 - c/n)^k is not. The ratio of binomials is the product
    of (n - c - j) / (n - j) over j < k, so nothing overflows. `ValueError` if a problem
    has fewer than k samples.
    """
    correct, samples = np.broadcast_arrays(correct, samples)
    if samples.min(initial=k) < k:
        raise ValueError(
            f"pass@{k} needs {k} samples of every problem and one has {samples.min()}; "
            "sample more or lower k"
        )
    drawn = np.arange(k)
    wrong = np.maximum((samples - correct)[:, None] - drawn, 0)
    return 1 - np.prod(wrong / (samples[:, None] - drawn), axis=1)


def mean_pass_at_k(
    correct: Int[np.ndarray, " B"], samples: Int[np.ndarray, " B"] | int, k: int
) -> Interval:
    """The mean over problems with a 95 % Wilson interval.

    The problems are the independent units, not the samples: n is their number.
    """
    each = pass_at_k(correct, samples, k)
    return wilson(float(each.mean()), each.size)


def cot_pass_at_k(
    answer: Bool[np.ndarray, "B n"], chain: Bool[np.ndarray, "B n"], k: int
) -> Float[np.ndarray, " B"]:
    """pass@k of samples whose answer and whose chain of thought are both right.

    CoT-Pass@K (arXiv 2506.14245): a right answer by a wrong chain is not solved. Never
    above pass@k.
    """
    both = np.asarray(answer, bool) & np.asarray(chain, bool)
    return pass_at_k(both.sum(axis=1), both.shape[1], k)


def dead_group_share(
    solved: Float[np.ndarray, "problems samples"], group: int
) -> float:
    """The expected share of groups of `group` in which all are right or all wrong.

    mean over problems of p^G + (1 - p)^G, each term without bias from n samples of
    which c are right: C(c, G) / C(n, G) + C(n - c, G) / C(n, G), where n >= G; with
    fewer samples p is the problem's own share, and too many groups are taken for dead.
    """
    n, right = solved.shape[1], solved.sum(axis=1).astype(int)
    if n < group:
        share = right / n
        return float(np.mean(share**group + (1 - share) ** group))
    alive = pass_at_k(right, n, group) + pass_at_k(n - right, n, group) - 1
    return float(np.mean(1 - alive))
