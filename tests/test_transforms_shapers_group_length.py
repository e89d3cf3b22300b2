"""Length compared within a group, against a loop."""

import numpy as np
import pytest
from oracle import GROUPS, SEEDS, agree, run, true_tokens, varied

from rewardlab.testing import from_arrays


@pytest.mark.parametrize("seed", SEEDS)
def test_group_length_reward(seed, x64):
    rollout = varied(seed)
    before = run("outcome('correct')", rollout)
    length = {i: len(true_tokens(rollout, i)) for i, _ in before}
    want = {}
    for (i, t), r in before.items():
        mates = [length[j] for j in length if GROUPS[j] == GROUPS[i]]
        if max(mates) == min(mates):
            want[i, t] = 0.0
            continue
        bonus = 0.5 - (length[i] - min(mates)) / (max(mates) - min(mates))
        want[i, t] = bonus if r > 0 else min(0.0, bonus)
    agree(run("outcome('correct') | group_length_reward()", rollout), want)


def test_the_shortest_right_answer_gets_a_half(x64):
    """Lengths 1, 2, 3, 3 with answers right, wrong, right, wrong.

    lam = 1/2, 0, -1/2, -1/2; a wrong answer gets min(0, lam).
    """
    mask = np.arange(3) < np.array([1, 2, 3, 3])[:, None]
    rollout = from_arrays(mask, correct=np.array([1.0, 0, 1, 0]))
    got = run("outcome('correct') | group_length_reward()", rollout)
    agree(got, {(0, 0): 0.5, (1, 1): 0.0, (2, 2): -0.5, (3, 2): -0.5})
