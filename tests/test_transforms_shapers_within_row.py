"""Rewards relative to their row, against loops, in float64."""

import numpy as np
import pytest
from oracle import SEEDS, agree, row, run, varied

from rewardlab.testing import from_arrays

pytestmark = pytest.mark.usefixtures("x64", "strict_ranks")
seeds = pytest.mark.parametrize("seed", SEEDS)
CHANNELS = pytest.mark.parametrize("source", ("process('prm')", "dense('dense')"))


@seeds
@CHANNELS
def test_minmax_by_row(seed, source):
    """Least 0, greatest 1; a row of equal rewards is 0."""
    rollout = varied(seed)
    before, want = run(source, rollout), {}
    for place, r in before.items():
        own = [x for _, x in row(before, place[0])]
        width = max(own) - min(own)
        want[place] = (r - min(own)) / width if width else 0
    agree(run(f"{source} | minmax_by_row()", rollout), want)


def test_minmax_by_padded_row():
    """Only without padding: (1, 2, 4) to (-1/2, 0, 1), and with it (1, 4) to (0, 1)."""
    x = np.array([[1.0, 2, 4], [1, 4, 9], [3, 3, 3]])
    mask = np.array([[1, 1, 1], [1, 1, 0], [1, 1, 1]], bool)
    got = run("dense('x') | minmax_by_padded_row()", from_arrays(mask, x=x))
    want = np.array([[-0.5, 0, 1], [0, 1, 0], [0, 0, 0]])
    agree(got, {p: want[p] for p in zip(*np.nonzero(mask), strict=True)})


@seeds
@CHANNELS
@pytest.mark.parametrize("count", [0, 1, 3])
def test_keep_top(seed, source, count):
    """The greatest of the row, the first of equal ones, if they are over 0.2."""
    rollout = varied(seed)
    before, want = run(source, rollout), {}
    for place in before:
        own = sorted(row(before, place[0]), key=lambda x: (-x[1], x[0]))
        stay = {p for p, x in own[:count] if x > 0.2}
        want[place] = before[place] if place in stay else 0
    agree(run(f"{source} | keep_top({count}, above=0.2)", rollout), want)
