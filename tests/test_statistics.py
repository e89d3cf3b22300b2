"""Statistics of seeds and problems, against the equations and by simulation."""

import itertools

import numpy as np
import pytest
from scipy import stats

from rewardlab.analysis.resampled import (
    bootstrap,
    interquartile_mean,
    probability_of_improvement,
)
from rewardlab.analysis.statistics import (
    area_under,
    clustered,
    compare,
    detectable,
    holm,
    paired_p,
    power,
    seeds_needed,
    student,
)


def test_holm_steps_down():
    # Sorted 0.01, 0.03, 0.04 times 3, 2, 1: 0.03, 0.06 and 0.04, which may not fall.
    assert holm(np.array([0.01, 0.04, 0.03])) == pytest.approx([0.03, 0.06, 0.06])
    assert holm(np.array([0.5, 0.9])) == pytest.approx([1, 1])
    assert holm(np.array([])).size == 0


def test_holm_names_no_difference_by_luck():
    """Of five arms without a difference, one is named in at most 5 % of grids."""
    rng = np.random.default_rng(0)
    named = [
        holm(np.array([paired_p(rng.normal(size=5)) for _ in range(5)])).min() <= 0.05
        for _ in range(600)
    ]
    assert 0.02 < np.mean(named) < 0.08


@pytest.mark.parametrize("seeds", [3, 5, 12])
def test_power_is_the_noncentral_ts(seeds):
    for gap in (0.3, 0.8):
        shift, limit = gap * np.sqrt(seeds), stats.t.ppf(0.975, seeds - 1)
        exact = stats.nct.sf(limit, seeds - 1, shift)
        exact += stats.nct.cdf(-limit, seeds - 1, shift)
        assert power(gap, 1.0, seeds) == pytest.approx(exact, abs=2e-3)


def test_seeds_that_would_be_needed():
    for gap in (0.05, 0.1, 0.3):
        n = seeds_needed(gap, 0.1)
        assert power(gap, 0.1, n) >= 0.8 > (power(gap, 0.1, n - 1) if n > 2 else 0)
        assert detectable(n, 0.1) <= gap
    assert seeds_needed(0.0, 0.1) is None and seeds_needed(1e-6, 1.0) is None
    assert seeds_needed(0.1, 0.0) == 2 and detectable(5, 0.0) == 0


def test_no_winner_says_how_blind_it_was():
    a, b = np.array([0.5, 0.6, 0.7]), np.array([0.5, 0.65, 0.66])
    deviation, found = float((a - b).std(ddof=1)), float((b - a).mean())
    said = compare(a, b, ("mine", "grpo")).verdict
    seen, needed = detectable(3, deviation), seeds_needed(found, deviation)
    told = f"(3 seeds see a difference of {seen:.3f} with 80 % power; "
    assert said.endswith(f"{told}{found:.3f} would need {needed:,})")
    assert power(found, deviation, needed) >= 0.8 > power(found, deviation, needed - 1)
    assert "seeds see" not in compare(a, a, ("mine", "grpo")).verdict


def test_among_several_comparisons_it_takes_more_to_be_seen():
    """Holm's first step is at 0.05 / m, and so is what is said to be seen."""
    a, b = np.array([0.5, 0.6, 0.7]), np.array([0.5, 0.65, 0.66])
    seen = detectable(3, float((a - b).std(ddof=1)), level=1 - 0.05 / 4)
    said = compare(a, b, ("mine", "grpo"), of=4).verdict
    assert f"3 seeds see a difference of {seen:.3f} with 80 % power among 4" in said
    assert seen > 1.5 * detectable(3, float((a - b).std(ddof=1)))
    assert detectable(2, 1.0, level=1 - 0.05 / 500) > 1000  # of a very large grid


def test_p_is_the_paired_t_tests():
    a, b = np.array([0.5, 0.6, 0.7]), np.array([0.5, 0.65, 0.66])
    assert paired_p(a - b) == pytest.approx(stats.ttest_rel(a, b).pvalue)
    assert paired_p(np.zeros(3)) == 1 and paired_p(np.full(3, 0.1)) == 0


def test_probability_of_improvement_counts_pairs():
    a, b = np.array([1.0, 2.0, 3.0]), np.array([0.0, 2.0, 1.0])
    pairs = [(x > y) + (x == y) / 2 for x, y in itertools.product(a, b)]
    found = probability_of_improvement(a, b)
    assert found.mean == pytest.approx(np.mean(pairs))
    assert 0 <= found.low <= found.mean <= found.high <= 1
    assert probability_of_improvement(a + 9, b)[:] == (1, 1, 1)


def test_the_interquartile_mean_leaves_out_both_ends():
    assert interquartile_mean(np.array([100.0, 2, 3, 1])) == 2.5
    assert interquartile_mean(np.array([1.0, 2, 3])) == 2  # nothing is cut of three


def test_problems_are_the_units_within_a_run():
    """Samples of a problem are alike: as units of their own they promise too much."""
    rng = np.random.default_rng(0)
    solved = (rng.random((40, 8)) < rng.beta(0.5, 0.5, 40)[:, None]).astype(float)
    found = clustered(solved)
    assert found.mean == pytest.approx(solved.mean())
    alone = student(solved.ravel())
    assert found.high - found.low > 1.5 * (alone.high - alone.low)


def test_the_area_under_a_curve_is_its_mean_height():
    assert area_under(np.array([0, 10, 30]), np.array([0.0, 1, 1])) == 2.5 / 3


def test_the_bootstrap_is_that_of_the_mean():
    values = np.array([0.1, 0.4, 0.2, 0.3])
    found = bootstrap(values)
    assert found.mean == values.mean() and found == bootstrap(values)
    assert values.min() <= found.low < found.mean < found.high <= values.max()
    with pytest.raises(ValueError, match="run at least two seeds"):
        bootstrap(values[:1])


def differences(kind, rng, seeds):
    """Values whose true mean is 0: of three kinds that differences may be of."""
    if kind == "normal":
        return rng.normal(size=seeds)
    if kind == "skewed":
        return rng.exponential(size=seeds) - 1
    return rng.beta(9, 1, seeds) - rng.beta(9, 1, seeds)  # of shares near 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "student_holds", "bootstrap_holds"),
    [
        ("normal", (0.95, 0.95, 0.95), (0.749, 0.845, 0.904)),
        ("shares", (0.955, 0.96, 0.96), (0.745, 0.825, 0.895)),
        ("skewed", (0.88, 0.88, 0.90), (0.69, 0.78, 0.86)),
    ],
)
def test_what_intervals_of_few_seeds_cover(kind, student_holds, bootstrap_holds):
    """Of 10,000 sets, the shares whose interval holds the mean: 1.5 % is 3 errors.

    The bootstrap's of normal values is known: P(|t| < 1.96 sqrt((n - 1) / n)).
    """
    rng, sets = np.random.default_rng(7), 10_000
    for seeds, *holds in zip((3, 5, 10), student_holds, bootstrap_holds, strict=True):
        hits = np.zeros(2)
        for i in range(sets):
            values = differences(kind, rng, seeds)
            for k, of in enumerate((student(values), bootstrap(values, 0.95, 999, i))):
                hits[k] += of.low <= 0 <= of.high
        print(kind, seeds, hits / sets)
        assert hits / sets == pytest.approx(holds, abs=0.015)
