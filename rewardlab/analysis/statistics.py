"""Statistics of a few seeds and of many problems, and what may be concluded.

Three seeds are the rule in this field, and there a bootstrap is wrong: it excludes zero
whenever the three differences share a sign, which without any effect happens one time
in four. Means over seeds and differences between arms therefore have Student intervals.
"""

import functools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import optimize, stats
from scipy.special import ndtr, ndtri, stdtr, stdtrit

Values = Float[np.ndarray, " n"]
Range = tuple[float, float]
SHARE: Range = (0.0, 1.0)
ANYWHERE: Range = (-np.inf, np.inf)
_MIDDLES = (np.arange(1000) + 0.5) / 1000


class Interval(NamedTuple):
    """An estimate and the interval that it should be read with."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


class Comparison(NamedTuple):
    """Arm a less arm b over the same seeds; `winner` is None where 0 is inside."""

    difference: Interval
    winner: str | None
    verdict: str
    p: float = 1.0  # of no difference, two-sided
    seen: float = 0.0  # the least difference that these seeds see with a power of 80 %


def student(values: Values, level: float = 0.95, within: Range = ANYWHERE) -> Interval:
    """mean +- t_{n-1} * s / sqrt(n), with s dividing by n - 1, cut to `within`.

    Exact for normal values; with three seeds t is 4.30, not 1.96. Of skewed ones, as of
    arms that collapse with some seeds, it holds the mean less often (docs/lab.md).
    Needs two values.
    `within` is where they can lie, [0, 1] for shares: what is cut off holds no mean, so
    the interval covers the true one as often as before. `ValueError` for values beyond.
    """
    values = np.asarray(values, np.float64)
    n = values.size
    if n < 2:
        raise ValueError(f"{n} seed has no interval; run at least two seeds")
    if (values < within[0]).any() or (values > within[1]).any():
        raise ValueError(f"{values} are not all within {list(within)}")
    half = stdtrit(n - 1, (1 + level) / 2) * values.std(ddof=1) / np.sqrt(n)
    mean = values.mean()
    low, high = np.clip([mean - half, mean + half], *within)
    return Interval(float(mean), float(low), float(high))


def wilson(share: float, n: int, level: float = 0.95) -> Interval:
    """Wilson's score interval (1927) of a share of n independent units.

    A unit may be a fraction (a problem solved by 3 of its 8 samples): its variance is
    then below share * (1 - share), which makes the interval wider than it need be,
    never narrower. It stays inside [0, 1] and is not a point at 0 or 1.
    """
    z2 = ndtri((1 + level) / 2) ** 2
    center = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(share * (1 - share) * z2 / n + (z2 / (2 * n)) ** 2) / (1 + z2 / n)
    return Interval(float(share), float(center - half), float(center + half))


def compare(
    a: Values,
    b: Values,
    arms: tuple[str, str],
    within: Range = ANYWHERE,
    of: int = 1,
) -> Comparison:
    """The paired difference a - b with its Student interval, and what it allows to say.

    a[i] and b[i] share their seed (prompts, sampling noise), so what they have in
    common cancels. No winner is named while 0 lies inside the interval; then the
    verdict says which difference these seeds would have shown with a power of 80 %.
    `within` is where a and b can lie, as in `student`; `of` is how many comparisons it
    is one of, which must all be right: then it takes more to be seen.
    """
    if len(a) != len(b):
        raise ValueError(
            f"{arms[0]} has {len(a)} seeds and {arms[1]} has {len(b)}; a paired "
            "comparison needs the same seeds in both arms"
        )
    widest = within[1] - within[0]
    between = np.asarray(a, np.float64) - np.asarray(b, np.float64)
    difference = student(between, within=(-widest, widest))
    said = f"{arms[0]} - {arms[1]} = {difference}, {len(a)} seeds"
    n, deviation = len(between), float(between.std(ddof=1))
    p, seen = paired_p(between), detectable(n, deviation, level=1 - 0.05 / of)
    if difference.low <= 0 <= difference.high:
        verdict = f"no winner: {said}{_blind(between, seen, of)}"
        return Comparison(difference, None, verdict, p, seen)
    winner = arms[0] if difference.mean > 0 else arms[1]
    return Comparison(difference, winner, f"{winner} is higher: {said}", p, seen)


def _blind(between: Values, seen: float, of: int) -> str:
    """How much of a difference these seeds could have missed, and how many it takes to
    see the one that they have."""
    n, deviation = len(between), float(between.std(ddof=1))
    level, found = 1 - 0.05 / of, abs(float(between.mean()))
    if not seen:
        return ""
    said = f"{n} seeds see a difference of {seen:.3f} with 80 % power"
    needed = seeds_needed(found, deviation, level=level)
    told = f"; {found:.3f} would need {needed:,}" if needed and needed > n else ""
    return f" ({said}{f' among {of} comparisons' * (of > 1)}{told})"


def paired_p(between: Values) -> float:
    """Student's two-sided p of differences whose mean is 0; 1 where all are 0."""
    if not np.any(between):
        return 1.0
    if np.ptp(between) == 0:
        return 0.0
    error = between.std(ddof=1) / np.sqrt(between.size)
    return float(2 * stdtr(between.size - 1, -abs(between.mean()) / error))


def holm(p: Values) -> Values:
    """Holm's adjusted p of several tests: max over i <= k of (m - i + 1) p_(i), <= 1.

    (0.01, 0.04, 0.03) -> (0.03, 0.06, 0.06). The chance that any true zero is called a
    difference is at most the level, whatever the tests have in common.
    """
    order, m = np.argsort(p, kind="stable"), len(p)
    raised = np.maximum.accumulate(np.asarray(p)[order] * (m - np.arange(m)))
    adjusted = np.empty(m)
    adjusted[order] = np.minimum(raised, 1)
    return adjusted


def power(
    difference: float, deviation: float, seeds: int, level: float = 0.95
) -> float:
    """The chance that a paired t-test of so many seeds sees a true difference.

    T = (Z + d sqrt(n) / s) / sqrt(chi^2 / (n - 1)), the noncentral t, with chi^2 in a
    thousand steps of equal probability; `deviation` s is that of the paired differences
    between seeds.
    """
    limit = stdtrit(seeds - 1, (1 + level) / 2)
    shift = abs(difference) / deviation * np.sqrt(seeds)
    bound = limit * _spread(seeds)
    seen = ndtr(shift - bound) + ndtr(-shift - bound)
    return float(seen.mean())


@functools.cache
def _spread(seeds: int) -> Values:
    """sqrt(chi^2 / (n - 1)) at the middles of a thousand equally likely intervals."""
    return np.sqrt(stats.chi2.ppf(_MIDDLES, seeds - 1) / (seeds - 1))


def seeds_needed(
    difference: float,
    deviation: float,
    least: float = 0.8,
    most: int = 10_000,
    level: float = 0.95,
) -> int | None:
    """The seeds by which a difference is seen with a power of `least`; None beyond
    `most`. One tenth, with a deviation of one tenth -> 10."""
    if deviation == 0:
        return 2
    enough = lambda n: power(difference, deviation, n, level) >= least  # noqa: E731
    if difference == 0 or not enough(most):
        return None
    low, high = 1, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def detectable(
    seeds: int, deviation: float, least: float = 0.8, level: float = 0.95
) -> float:
    """The least difference that so many seeds see with a power of `least`; 0 where
    they do not differ."""
    return deviation * _detectable(seeds, least, level) if deviation else 0.0


@functools.cache
def _detectable(seeds: int, least: float, level: float) -> float:
    short = lambda d: power(d, 1.0, seeds, level) - least  # noqa: E731
    return float(optimize.brentq(short, 1e-6, 1e9))


def clustered(
    values: Float[np.ndarray, "problems samples"],
    level: float = 0.95,
    within: Range = ANYWHERE,
) -> Interval:
    """The mean over problems, with the problems as the independent units.

    Samples of one problem succeed together, so they are no n of their own: the interval
    is Student's over the problems' means. Give the difference of two runs on the same
    problems for a comparison paired by problem.
    """
    return student(np.asarray(values, np.float64).mean(axis=1), level, within)


def area_under(steps: Values, values: Values) -> float:
    """The mean height of a curve from its first step to its last, by trapezoids."""
    return float(np.trapezoid(values, steps) / (steps[-1] - steps[0]))
