"""Estimates against enumeration, intervals against their coverage."""

import itertools
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest

from rewardlab.analysis import statistics
from rewardlab.analysis.pass_at_k import mean_pass_at_k, pass_at_k
from rewardlab.figures.curves import running_mean

GOLDEN = Path(os.environ.get("REWARDLAB_GOLDEN", Path(__file__).parent / "golden"))


def test_pass_at_k_is_the_share_of_subsets_with_a_right_one() -> None:
    for n, k in ((1, 1), (5, 1), (5, 3), (6, 6)):
        for c in range(n + 1):
            right = [i < c for i in range(n)]
            hits = [any(chosen) for chosen in itertools.combinations(right, k)]
            assert pass_at_k(np.array([c]), n, k)[0] == pytest.approx(np.mean(hits))


def test_pass_at_k_golden() -> None:
    for case in json.loads((GOLDEN / "pass_at_k.json").read_text())["cases"]:
        given, want = case["inputs"], case["outputs"]["pass_at_k"]
        got = pass_at_k(np.array([given["c"]]), given["n"], given["k"])[0]
        assert got == pytest.approx(want, rel=1e-12, abs=1e-15), case["name"]


def test_pass_at_k_of_many_samples() -> None:
    # Exact integers of Python: C(9000, 100) has 243 digits.
    correct, samples = np.array([0, 50, 1000, 10_000]), 10_000
    want = [
        1 - math.comb(samples - int(c), 100) / math.comb(samples, 100) for c in correct
    ]
    np.testing.assert_allclose(pass_at_k(correct, samples, 100), want, rtol=1e-12)
    with pytest.raises(ValueError, match="pass@8 needs 8 samples .* one has 4"):
        pass_at_k(np.array([1, 1]), np.array([8, 4]), 8)


def test_wilson_is_the_root_of_its_equation() -> None:
    # The ends p solve |share - p| = z sqrt(p (1 - p) / n), z = 1.959964.
    for share, n in ((0.3, 10), (0.97, 128), (0.0, 50)):
        _, low, high = statistics.wilson(share, n)
        for p in (low, high):
            error = 1.959964 * math.sqrt(max(p * (1 - p), 0) / n)
            assert abs(share - p) == pytest.approx(error, abs=1e-6)
    # All of 128 problems solved: [128 / (128 + z^2), 1]
    solved = mean_pass_at_k(np.full(128, 8), 8, 1)
    assert solved == pytest.approx((1, 128 / (128 + 1.959964**2), 1))


def test_student_and_compare() -> None:
    # (1, 2, 6): mean 3, s^2 = (4 + 1 + 9) / 2 = 7, t_2(0.975) = 4.302653
    half = 4.302653 * math.sqrt(7 / 3)
    got = statistics.student(np.array([1.0, 2.0, 6.0]))
    assert got == pytest.approx((3, 3 - half, 3 + half), rel=1e-6)
    with pytest.raises(ValueError, match="1 seed has no interval; run at least two"):
        statistics.student(np.array([1.0]))

    # Shares of 0.9 and 1: half is 12.7062 * 0.05; differences are in [-1, 1].
    shares = np.array([0.9, 1.0])
    cut = statistics.student(shares, within=statistics.SHARE)
    assert cut == pytest.approx((0.95, 0.31469, 1), abs=1e-5)
    apart = statistics.compare(shares, [0.0, 0.5], ("a", "b"), statistics.SHARE)
    assert apart.difference == pytest.approx((0.7, -1, 1)) and apart.winner is None
    with pytest.raises(ValueError, match="are not all within"):
        statistics.student(np.array([0.5, 1.5]), within=statistics.SHARE)

    base = np.array([10.0, 20.0, 30.0])  # what the seeds share cancels
    better = statistics.compare(base + [1.0, 1.1, 0.9], base, ("pure", "sum"))
    assert better.winner == "pure"
    assert better.verdict.startswith("pure is higher: pure - sum = 1.000 [")
    worse = statistics.compare(base, base + [1.0, 1.1, 0.9], ("sum", "pure"))
    assert worse.winner == "pure"
    unclear = statistics.compare(base + [1.0, 3.0, 0.2], base, ("pure", "sum"))
    assert unclear.winner is None  # three times above, and still no winner
    # mean 1.4, s^2 = (0.4^2 + 1.6^2 + 1.2^2) / 2 = 2.08, half = 4.302653 sqrt(2.08 / 3)
    said = "no winner: pure - sum = 1.400 [-2.183, 4.983], 3 seeds"
    said += " (3 seeds see a difference of 4.707 with 80 % power; 1.400 would need 11)"
    assert unclear.verdict == said
    with pytest.raises(ValueError, match="a paired comparison needs the same seeds"):
        statistics.compare(base, base[:2], ("a", "b"))


def test_intervals_cover_what_they_promise() -> None:
    rng = np.random.default_rng(0)
    trials = 400
    # 95 % of 400 has a standard error of 1.1 %: four of them are 4.4 %.
    seeds = rng.normal(size=(trials, 3))
    student = [statistics.student(x) for x in seeds]
    assert np.mean([i.low <= 0 <= i.high for i in student]) > 0.906
    # Problems of very different difficulty, 8 samples each.
    hardness = rng.beta(0.5, 0.5, size=(trials, 100))
    solved = rng.binomial(8, hardness)
    shares = [mean_pass_at_k(c, 8, 1) for c in solved]
    assert np.mean([i.low <= 0.5 <= i.high for i in shares]) > 0.906


def test_running_mean_is_the_mean_of_what_there_is() -> None:
    curve = np.array([1.0, 2.0, 6.0, 10.0])
    # Of three: (1 2), (1 2 6), (2 6 10), (6 10)
    np.testing.assert_allclose(running_mean(curve, 3), [1.5, 3, 6, 8])
    np.testing.assert_allclose(running_mean(curve, 1), curve)
