"""Steps in the same state, branches of a tree and shared prefixes, against loops."""

import dataclasses
import math

import jax.numpy as jnp
import numpy as np
import pytest
from oracle import GROUPS, SEEDS, agree, row, run, step_tokens, varied

from rewardlab import build

pytestmark = [
    pytest.mark.usefixtures("x64", "strict_ranks"),
    pytest.mark.parametrize("seed", SEEDS),
]
CHANNELS = ("outcome('correct')", "process('prm')", "dense('dense')")


def treelike(seed):
    """As `varied`, with what agents saw, which steps matched, and a tree of steps.

    Each step branches in two; its node says which branches were taken so far, so rows
    of a prompt often share their first steps, and the tokens' nodes never lie.
    """
    rollout, rng = varied(seed), np.random.default_rng(seed)
    turns = rng.integers(0, 2, (12, 4))
    nodes = np.cumsum(turns * 2 ** np.arange(4), axis=1) + 16 * np.arange(4)
    step = np.asarray(rollout.step)
    node = np.take_along_axis(nodes, np.maximum(step, 0), axis=1)
    node[~np.asarray(rollout.mask)] = rng.integers(0, 9, int((~rollout.mask).sum()))
    return rollout.with_signals(
        anchor=jnp.asarray(rng.integers(0, 3, (12, 4))),
        match=jnp.asarray(rng.random((12, 4)) < 0.7),
        node=jnp.asarray(node),
    )


def step_of(rollout, place):
    return int(rollout.step[place])


@pytest.mark.parametrize("source", CHANNELS)
def test_episode_return_on_every_step(seed, source):
    """The row's total on the last True token of each step."""
    rollout = varied(seed)
    before, want = run(source, rollout), {}
    for i in {i for i, _ in before}:
        for _, tokens in step_tokens(rollout, i):
            want[i, tokens[-1]] = sum(r for _, r in row(before, i))
    agree(run(f"{source} | episode_return(every_step=True)", rollout), want)


@pytest.mark.parametrize("source", CHANNELS)
@pytest.mark.parametrize("match", ["", "match"])
def test_return_from_step(seed, source, match):
    """c = r + 0.7 c backwards; a step that does not match keeps r and sets c to 0."""
    rollout = treelike(seed)
    before, want = run(source, rollout), {}
    for i in {i for i, _ in before}:
        carried = 0.0
        for step, tokens in step_tokens(rollout, i)[::-1]:
            own = sum(before.get((i, t), 0) for t in tokens)
            if match and not rollout.signals[match][i, step]:
                want[i, tokens[-1]], carried = own, 0.0
            else:
                want[i, tokens[-1]] = carried = own + 0.7 * carried
    agree(run(f"{source} | return_from_step(0.7, match={match!r})", rollout), want)


def states(rollout, before, anchor):
    """Which rewards lie in the state of each reward."""
    state = {
        p: (
            GROUPS[p[0]],
            int(rollout.signals[anchor][p[0], step_of(rollout, p)])
            if anchor
            else step_of(rollout, p),
        )
        for p in before
    }
    return {p: [before[q] for q in before if state[q] == state[p]] for p in before}


@pytest.mark.parametrize("source", CHANNELS)
@pytest.mark.parametrize("anchor", ["", "anchor"])
def test_center_by_state(seed, source, anchor):
    """r - mean over the rewards in the same state; one alone goes."""
    rollout = treelike(seed)
    before = run(source, rollout)
    same = states(rollout, before, anchor)
    want = {
        p: r - sum(same[p]) / len(same[p])
        for p, r in before.items()
        if len(same[p]) > 1
    }
    agree(run(f"{source} | center_by_state({anchor!r})", rollout), want)


@pytest.mark.parametrize("source", CHANNELS)
@pytest.mark.parametrize("anchor", ["", "anchor"])
@pytest.mark.parametrize("ddof", [0, 1])
def test_scale_by_state_std(seed, source, anchor, ddof):
    """r / (std + eps) over the rewards in the same state."""
    rollout = treelike(seed)
    before, want = run(source, rollout), {}
    for p, same in states(rollout, before, anchor).items():
        mean, std = sum(same) / len(same), 1.0
        if len(same) > ddof:
            var = sum((x - mean) ** 2 for x in same) / (len(same) - ddof)
            std = math.sqrt(var)
        want[p] = before[p] / (std + 1e-3)
    text = f"scale_by_state_std({anchor!r}, eps=1e-3, ddof={ddof})"
    agree(run(f"{source} | {text}", rollout), want, tol=1e-10)


def test_center_by_fork(seed):
    """Over the children of a node, each the mean of the rewards that stand on it."""
    rollout = treelike(seed)
    before, want = run("process('prm')", rollout), {}
    node, parent, values = {}, {}, {}
    for i in range(12):
        last = -1
        for _, tokens in step_tokens(rollout, i):
            end = (i, tokens[-1])
            here = int(rollout.signals["node"][end])
            node[end], parent[end] = (GROUPS[i], last, here), (GROUPS[i], last)
            last = here
            if end in before:
                values.setdefault(node[end], []).append(before[end])
    value = {v: sum(rs) / len(rs) for v, rs in values.items()}
    for p in before:
        siblings = {node[q] for q in before if parent[q] == parent[p]}
        if len(siblings) > 1:
            mean = sum(value[v] for v in siblings) / len(siblings)
            want[p] = value[node[p]] - mean
    agree(run("process('prm') | center_by_fork('node')", rollout), want)


@pytest.mark.parametrize("source", CHANNELS)
def test_share_prefixes(seed, source):
    """The mean over the group's rows with the same node in the same column."""
    rollout = treelike(seed)
    text = f"{source} | returns_to_go(0.9)"
    before, want = run(text, rollout), {}
    node = np.asarray(rollout.signals["node"])
    for i, t in before:
        shared = [
            before[j, t]
            for j in range(12)
            if (j, t) in before and GROUPS[j] == GROUPS[i] and node[j, t] == node[i, t]
        ]
        want[i, t] = sum(shared) / len(shared)
    agree(run(f"{text} | share_prefixes('node')", rollout), want)


def test_copy_channel(seed):
    """Both channels are there, and one can change without the other."""
    rollout = varied(seed)
    before = run("process('prm')", rollout)
    text = "process('prm') | copy_channel(twin='prm') | on('twin', clip_reward(0))"
    assert run(f"{text} | weighted_sum(prm=1, twin=0)", rollout) == before
    clipped = run("process('prm') | clip_reward(0)", rollout)
    agree(run(f"{text} | weighted_sum(prm=0, twin=1)", rollout), clipped)
    with pytest.raises(ValueError, match="copies nothing"):
        build("process('prm') | copy_channel()")
    with pytest.raises(ValueError, match="'prm' is there already"):
        run("process('prm') | copy_channel(prm='prm')", rollout)


def test_equal_steps_in_a_state_give_exactly_zero(seed):
    """Rewards that no float holds, in float32: no rounding is left to be scaled up."""
    rollout = treelike(seed)
    prm = jnp.full((12, 4), 0.9, jnp.float32)
    rollout = rollout.with_signals(prm=prm, score=prm[:, 0])
    narrow = dataclasses.replace(rollout, logp=rollout.logp.astype(jnp.float32))
    for words in ("center_by_state()", "center_by_fork('node')"):
        assert not any(run(f"process('prm') | {words}", narrow).values())
    shared = "outcome('score') | broadcast_to_tokens() | share_prefixes('node')"
    assert set(run(shared, narrow).values()) <= {np.float32(0.9)}


def test_anchors_are_integers(seed):
    """A float that stands for a state may round; it is refused."""
    with pytest.raises(ValueError, match="'prm' needs an integer a step"):
        run("process('prm') | center_by_state('prm')", varied(seed))
