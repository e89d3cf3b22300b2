"""Statistics of a few seeds and of many problems, and what may be concluded.

Three seeds are the rule in this field, and there a bootstrap is wrong: it excludes zero
whenever the three differences share a sign, which without any effect happens one time
in four. Means over seeds and differences between arms therefore have Student intervals.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import ndtri, stdtrit

Values = Float[np.ndarray, " n"]
Range = tuple[float, float]
SHARE: Range = (0.0, 1.0)
ANYWHERE: Range = (-np.inf, np.inf)


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


def student(values: Values, level: float = 0.95, within: Range = ANYWHERE) -> Interval:
    """mean +- t_{n-1} * s / sqrt(n), with s dividing by n - 1, cut to `within`.

    Exact for normal values; with three seeds t is 4.30, not 1.96. Needs two values.
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
    a: Values, b: Values, arms: tuple[str, str], within: Range = ANYWHERE
) -> Comparison:
    """The paired difference a - b with its Student interval, and what it allows to say.

    a[i] and b[i] share their seed (prompts, sampling noise), so what they have in
    common cancels. No winner is named while 0 lies inside the interval. `within` is
    where a and b can lie, as in `student`.
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
    if difference.low <= 0 <= difference.high:
        return Comparison(difference, None, f"no winner: {said}")
    winner = arms[0] if difference.mean > 0 else arms[1]
    return Comparison(difference, winner, f"{winner} is higher: {said}")
