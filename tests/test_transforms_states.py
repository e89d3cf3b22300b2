"""Words of turns between states, against loops in float64."""

import jax.numpy as jnp
import numpy as np
import pytest
from oracle import GROUPS, SEEDS, agree, run, step_tokens, varied

from rewardlab import build, estimator

pytestmark = [
    pytest.mark.usefixtures("x64", "strict_ranks"),
    pytest.mark.parametrize("seed", SEEDS),
]


def test_only_step_ends(seed):
    """What stands on the last True token of each step stays."""
    rollout = varied(seed)
    before = run("dense('dense')", rollout)
    ends = {(i, ts[-1]) for i in range(12) for _, ts in step_tokens(rollout, i)}
    want = {p: r for p, r in before.items() if p in ends}
    assert 0 < len(want) < len(before)
    agree(run("dense('dense') | only_step_ends()", rollout), want)


def test_either(seed):
    """Each row is of one sentence; baselines of both see all rows."""
    rollout = varied(seed).with_signals(switch=jnp.arange(12) % 2)
    before, want = run("outcome('correct')", rollout), {}
    for (i, t), r in before.items():
        mates = [x for (j, _), x in before.items() if GROUPS[j] == GROUPS[i]]
        if i % 2:
            want[i, t] = r - 0.5
        elif len(mates) > 1:
            want[i, t] = r - sum(mates) / len(mates)
    text = "outcome('correct') | either('switch', shift(-0.5), center_by_group())"
    agree(run(text, rollout), want)


def test_either_ends_in_the_same_channels(seed):
    text = "outcome('correct') | outcome('score') | either('switch', {}, {})"
    one = "weighted_sum(correct=1, score=1)"
    rollout = varied(seed).with_signals(switch=jnp.ones(12))
    with pytest.raises(ValueError, match=r"ends in \['reward'\] or in \['correct'"):
        estimator(build(text.format(one, "shift(1)"))).init(rollout)


def test_either_is_gate_where_the_other_does_nothing(seed):
    rollout = varied(seed).with_signals(switch=jnp.arange(12) % 3)
    both = "process('prm') | either('switch', clip_reward(0.5), shift(0))"
    one = "process('prm') | gate('switch', clip_reward(0.5))"
    got, want = run(both, rollout), run(one, rollout)
    assert np.any([want[p] < 0 for p in want])
    agree(got, want)
