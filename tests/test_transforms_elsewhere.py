"""Words for rows that come from elsewhere, against loops."""

import numpy as np
import pytest
from oracle import agree, run, true_tokens

from rewardlab.testing import from_arrays

pytestmark = pytest.mark.usefixtures("x64")
MASK = np.arange(3) < np.array([[3], [1], [2], [2], [1], [3]])
GROUP = np.array([0, 0, 0, 1, 1, 1])
R = np.array([1.0, 0.0, 1.0, 0.5, 0.0, 2.0])


def test_recalled():
    """w R on rows that came back; the others, and a rollout without any, as before."""
    there = np.array([0, 0, 0, 1, 0, 1]) > 0
    marks = {"recalled": np.where(there, 0.6, 0.0), "recalled_valid": there}
    text = "outcome('correct') | center_by_group() | broadcast_to_tokens()"
    before = run(text, from_arrays(MASK, GROUP, correct=R))
    after = f"{text} | recalled(0.5)"
    agree(run(after, from_arrays(MASK, GROUP, correct=R)), before)
    want = {p: 0.3 if there[p[0]] else x for p, x in before.items()}
    rollout = from_arrays(MASK, GROUP, correct=R, **marks)
    agree(run(after, rollout), want)
    assert {p for p in want if there[p[0]]} == {
        (i, t) for i in (3, 5) for t in true_tokens(rollout, i)
    }
    faded = {p: 0.0 if there[p[0]] else x for p, x in before.items()}
    agree(run(f"{text} | recalled(cosine(0, 1, 200))", rollout), faded)


@pytest.mark.parametrize("divide", [False, True])
def test_center_by_own_rows(divide):
    """Mean and std of rows that are no expert's; of one own row neither."""
    expert = np.array([0, 0, 1, 0, 1, 1]) > 0
    rollout = from_arrays(MASK, GROUP, correct=R, expert=expert)
    got = run(f"outcome('correct') | center_by_own_rows({divide})", rollout)
    std = np.std([1.0, 0.0], ddof=1) + 1e-6 if divide else 1.0
    alone = 1 + 1e-6 if divide else 1.0
    want = [0.5 / std, -0.5 / std, 0.5 / std, 0.5 / alone, 0.0, 2.0 / alone]
    last = MASK.sum(axis=1) - 1
    agree(got, {(i, int(last[i])): x for i, x in enumerate(want)})
