"""Best-of-n by enumeration; calibration, benchmarks and warnings by hand."""

import itertools
import math

import numpy as np
import pytest

from rewardlab.analysis import balance, benchmarks, calibration, overoptimization
from rewardlab.analysis.benchmarks import Answers
from rewardlab.analysis.best_of_n import best_of_n, best_of_n_kl
from rewardlab.analysis.pass_at_k import cot_pass_at_k, pass_at_k

RNG = np.random.default_rng(5)


def test_best_of_n_over_all_subsets():
    """The mean over subsets of what their best by proxy is worth."""
    proxy, gold = RNG.normal(size=(2, 3, 6))
    for n in range(1, 7):
        want = [
            np.mean([g[max(c, key=lambda i, p=p: p[i])] for c in subsets(6, n)])
            for p, g in zip(proxy, gold, strict=True)
        ]
        np.testing.assert_allclose(best_of_n(proxy, gold, n), want)
    np.testing.assert_allclose(best_of_n(proxy, gold, 1), gold.mean(axis=1))
    for n in (0, 7):
        with pytest.raises(ValueError, match=f"best of {n} needs {n} samples"):
            best_of_n(proxy, gold, n)


def subsets(n, k):
    return list(itertools.combinations(range(n), k))


def test_best_of_many():
    """Binomials of 5,000 do not overflow; best of n of 1..N is n (N + 1) / (n + 1)."""
    scores = np.arange(1.0, 5001)[None]
    got = best_of_n(scores, scores, 100)[0]
    assert got == pytest.approx(100 * 5001 / 101, rel=1e-12)
    assert best_of_n_kl(1) == 0
    assert best_of_n_kl(4) == pytest.approx(math.log(4) - 0.75)


def test_cot_pass_at_k():
    """Only samples with both right count."""
    answer = np.array([[True, True, False], [True, True, True]])
    chain = np.array([[True, False, True], [True, True, True]])
    got = cot_pass_at_k(answer, chain, 2)
    np.testing.assert_allclose(got, [2 / 3, 1])
    assert (got <= pass_at_k(answer.sum(axis=1), 3, 2)).all()


def test_calibration_error():
    """Two bins by hand; a probability on an edge belongs below; nothing is 0."""
    p = np.array([0.1, 0.5, 0.6, 0.9])
    y = np.array([0.0, 1.0, 1.0, 1.0])
    # Below: p 0.6, y 1 of two. Above: p 1.5, y 2 of two.
    got = calibration.calibration_error(y, p, calibration.uniform_edges(2))
    assert got == pytest.approx((0.9 / 4, (0.2 + 0.25) / 2, 0.25))
    empty = calibration.quantile_edges(np.array([]), 3)
    assert calibration.calibration_error([], [], empty) == (0, 0, 0)
    edges = calibration.quantile_edges(RNG.random(1000), 4)
    assert np.ptp(np.histogram(RNG.random(100_000), edges)[0]) < 6000
    well = RNG.random(200_000)
    right = RNG.random(200_000) < well
    error = calibration.calibration_error(right, well, calibration.uniform_edges(10))
    assert error.greatest < 0.02


def test_best_of_credit():
    """Ties share the point."""
    scores = np.array([[2.0, 1, 1, 0], [1, 2, 0, 0], [1, 1, 1, 0], [0, 0, 0, 0]])
    np.testing.assert_allclose(benchmarks.best_of_credit(scores), [1, 0, 1 / 3, 1 / 4])


def test_ties_score():
    """Two prompts by hand; a spread of 0 is as good as it gets; nothing is 0."""
    tied = {
        0: Answers(np.array([5.0, 4.0]), np.array([1.0, 0.0])),  # margin 3, spread 1
        1: Answers(np.array([2.0, 2.0]), np.array([1.0])),  # margin 1, spread 0
    }
    reference = {
        0: Answers(np.array([3.0]), np.array([2.5])),  # margin 0.5
        1: Answers(np.array([3.0]), np.array([2.0])),  # margin 1
    }
    excess = (math.tanh(0.5 / 1 - 1) + 1) / 2
    want = 0.3 + 0.3 + 0.2 * 1 + 0.2 * 0.5 + 0.01 * excess
    assert benchmarks.ties_score(tied, reference) == pytest.approx(want)
    assert benchmarks.ties_score({}, {}) == 0
    flat = {0: Answers(np.ones(2), np.ones(1))}
    assert benchmarks.ties_score(flat, flat) == 0


def test_one_to_many():
    """All right answers above all wrong ones; ties put the wrong ones first."""
    win = Answers(np.array([3.0]), np.array([1.0, 2.0]))
    tie = Answers(np.array([2.0]), np.array([1.0, 2.0]))
    lose = Answers(np.array([0.0, 1.5]), np.array([1.0, 2.0]))
    judged = [benchmarks.one_to_many_accuracy(a) for a in (win, tie, lose)]
    assert judged == [True, False, False]
    judged = [
        benchmarks.one_to_many_accuracy(a, strict=False) for a in (win, tie, lose)
    ]
    assert judged == [True, True, False]
    assert [benchmarks.reciprocal_rank(a) for a in (win, tie, lose)] == [1, 0.5, 0.5]
    ranks = [benchmarks.relative_rank(a) for a in (win, tie, lose)]
    assert ranks == [1, 0.5, pytest.approx(2 / 3)]


def test_step_scores():
    """Odds of certain steps are infinite; logits of 0 and 1 together are NaN."""
    p = np.array([0.5, 0.8])
    logit = (math.log(1) + math.log(4)) / 2
    want = {
        "min": 0.5,
        "max": 0.8,
        "prod": 0.4,
        "mean": 0.65,
        "geometric_mean": math.sqrt(0.4),
        "mean_logit": 1 / (1 + math.exp(-logit)),
        "mean_odd": (1 + 4) / 2,
        "last": 0.8,
    }
    got = {name: score(p) for name, score in benchmarks.STEP_SCORES.items()}
    assert got == pytest.approx(want)
    assert benchmarks.mean_odds(np.array([0.5, 1.0])) == math.inf
    assert benchmarks.mean_logit(np.array([0.5, 1.0])) == 1
    assert math.isnan(benchmarks.mean_logit(np.array([0.0, 1.0])))


def test_balance_score():
    """Enough right ones and few wrong ones; nothing selected is 0."""
    right, selected = np.array([8, 4, 0, 12, 0]), np.array([8, 8, 5, 16, 0])
    want = [1, 0.25, 0, 0.75, 0]
    np.testing.assert_allclose(balance.balance_score(right, selected), want)
    fixed = balance.balance_score_fixed(right, selected)
    np.testing.assert_allclose(fixed, [1, 0.5, 0, 0.75, 0])


def test_rank_correlation():
    """Spearman with ties at their mean rank; by bins of KL."""
    a, b = np.array([1.0, 2, 2, 4]), np.array([3.0, 1, 5, 5])
    ranks = np.array([1, 2.5, 2.5, 4]), np.array([2, 1, 3.5, 3.5])
    np.testing.assert_allclose(overoptimization.mean_rank(a), ranks[0])
    want = np.corrcoef(*ranks)[0, 1]
    assert overoptimization.rank_correlation(a, b) == pytest.approx(want)
    assert overoptimization.rank_correlation(a, np.ones(4)) == 0
    proxy = np.array([1.0, 2, 3, 4])
    gold, kl = np.array([1.0, 2, 4, 3]), np.array([0.1, 0.2, 1.1, 1.0])
    got = overoptimization.rank_correlation_by_kl(
        proxy, gold, kl, np.array([0.0, 1.0, 2.0, 3.0])
    )
    np.testing.assert_allclose(got, [1, -1, np.nan])


def test_signs_of_hacking():
    """Shares and counts by hand, and their empty cases."""
    reward, group = np.array([1.0, 1, 0, 1, 0.5]), np.array([0, 0, 1, 1, 2])
    assert overoptimization.saturation(reward) == 0.6
    share = overoptimization.share_without_spread(reward, group)
    assert share == pytest.approx(2 / 3)
    tokens = np.array([[1, 2, 1, 2, 1], [1, 2, 3, 9, 9], [7, 7, 7, 7, 7]])
    mask = np.arange(5) < np.array([5, 3, 1])[:, None]
    # (1 2)(2 1)(1 2)(2 1): two of four are new.
    got = overoptimization.repetition(tokens, mask, n=2)
    np.testing.assert_allclose(got, [0.5, 0, 0])
    members = np.array([[0.0, 1.0, 4.0], [0.0, 2.0, 8.0]])
    assert overoptimization.disagreement_at_the_top(members) == pytest.approx(1)
    counts = overoptimization.phrase_counts(["Wait, wait.", ""], ("wait", "so"))
    assert counts.tolist() == [[2, 0], [0, 0]]
    assert overoptimization.saturation(np.array([])) == 0
    assert overoptimization.share_without_spread(np.array([]), np.array([])) == 0
