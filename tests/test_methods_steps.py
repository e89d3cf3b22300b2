"""GiGPO and UI-S1 whole, against loops over episodes and steps, in float64."""

import numpy as np
import pytest
from oracle import GROUPS, apply, step_tokens, varied

from rewardlab import METHODS, estimator

pytestmark = pytest.mark.usefixtures("x64", "strict_ranks")
EPS = 1e-6


def example(seed):
    """Steps with rewards (abstaining ones give 0 to a return), anchors and matches."""
    rng = np.random.default_rng(seed)
    valid = np.ones((12, 4), bool)
    return varied(seed).with_signals(
        prm_valid=valid,
        prm=np.where(rng.random((12, 4)) < 0.5, 0.5, rng.normal(size=(12, 4))),
        anchor=rng.integers(0, 3, (12, 4)),
        match=rng.random((12, 4)) < 0.7,
    )


def returns(rewards, discount, match):
    """c = r + discount c backwards; without a match r, and c = 0."""
    found, carried = [], 0.0
    for r, matches in list(zip(rewards, match, strict=True))[::-1]:
        carried = r + discount * carried if matches else 0.0
        found.append(carried if matches else r)
    return found[::-1]


def standard(x, among, alone):
    """(x - mean) / (std + eps); with nothing else there, `alone`."""
    if len(among) == 1:
        return alone / (1 + EPS)
    return (x - np.mean(among)) / (np.std(among, ddof=1) + EPS)


def steps_of(rollout):
    """(row, step, tokens, reward) of every step, and the rows that have one."""
    found = [
        (i, s, tokens, float(rollout.signals["prm"][i, s]))
        for i in range(12)
        for s, tokens in step_tokens(rollout, i)
    ]
    return found, sorted({i for i, *_ in found})


def spread(rollout, number):
    """A number a step, on each of its tokens."""
    out = np.zeros(rollout.mask.shape)
    for (i, _, tokens, _), x in zip(steps_of(rollout)[0], number, strict=True):
        out[i, tokens] = x
    return out


def advantage(name, rollout, **hp):
    closed = estimator(METHODS[name].build(**hp))
    return np.asarray(apply(closed, rollout))


def step_part(rollout, discount, match, state):
    """Returns of steps against those of the group's steps in the same state."""
    steps, rows = steps_of(rollout)
    back = []
    for i in rows:
        own = [(s, r) for j, s, _, r in steps if j == i]
        matches = [match[i, s] for s, _ in own]
        back += returns([r for _, r in own], discount, matches)
    keys = [(GROUPS[i], state(i, s)) for i, s, _, _ in steps]
    among = [[x for x, k in zip(back, keys, strict=True) if k == key] for key in keys]
    return [standard(x, same, 0) for x, same in zip(back, among, strict=True)]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("per_step", [False, True])
def test_gigpo(seed, per_step):
    """Episodes against their group, each once or once a step, and steps by anchor."""
    rollout = example(seed)
    steps, rows = steps_of(rollout)
    anchors = np.asarray(rollout.signals["anchor"])
    always = np.ones((12, 4), bool)
    local = step_part(rollout, 0.9, always, lambda i, s: anchors[i, s])
    total = {i: sum(r for j, _, _, r in steps if j == i) for i in rows}
    counted = [i for i, *_ in steps] if per_step else rows
    want = []
    for (i, *_), near in zip(steps, local, strict=True):
        among = [total[j] for j in counted if GROUPS[j] == GROUPS[i]]
        alone = total[i] if per_step else 0
        want.append(standard(total[i], among, alone) + 0.5 * near)
    name = "gigpo_like_verl_agent" if per_step else "gigpo"
    got = advantage(name, rollout, gamma=0.9, w=0.5)
    np.testing.assert_allclose(got, spread(rollout, want), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("keep", [False, True])
def test_ui_s1(seed, keep):
    """Rewards of steps against all of the group, and returns against the same turn."""
    rollout = example(seed)
    steps, _ = steps_of(rollout)
    match = np.asarray(rollout.signals["match"])
    local = step_part(rollout, 0.5, match, lambda i, s: s)
    want = []
    for (i, _, _, r), near in zip(steps, local, strict=True):
        among = [x for j, _, _, x in steps if GROUPS[j] == GROUPS[i]]
        want.append(2 * standard(r, among, r if keep else 0) + near)
    got = advantage("ui_s1", rollout, w_episode=2.0, keep_singletons=keep)
    np.testing.assert_allclose(got, spread(rollout, want), rtol=1e-9, atol=1e-9)
