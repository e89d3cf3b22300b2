"""Words that say what a turn is worth, against loops in float64."""

import dataclasses
import math

import jax.numpy as jnp
import numpy as np
import pytest
from oracle import GROUPS, SEEDS, agree, run, step_tokens, true_tokens
from test_transforms_turns import treelike

from rewardlab.core import nodes
from rewardlab.objectives.masks import mask_only_children

pytestmark = [
    pytest.mark.usefixtures("x64", "strict_ranks"),
    pytest.mark.parametrize("seed", SEEDS),
]


def grown(seed):
    """As `treelike`, with an entropy of each turn, NaN where there is none."""
    rollout = treelike(seed)
    heat = np.random.default_rng(seed).exponential(size=(12, 4))
    for i in range(12):
        there = [k for k, _ in step_tokens(rollout, i)]
        heat[i, [k for k in range(4) if k not in there]] = np.nan
    return rollout.with_signals(turn_entropy=jnp.asarray(heat))


class Loops:
    """The tree of a rollout's scored rows, by its definition."""

    def __init__(self, rollout):
        before = run("outcome('correct')", rollout)
        self.total = {i: r for (i, _), r in before.items()}
        self.node = np.asarray(rollout.signals["node"])
        self.heat = np.asarray(rollout.signals["turn_entropy"])
        self.keys, self.at, self.seen = {}, {}, {}
        for i in self.total:
            last, found = -1, []
            for k, tokens in step_tokens(rollout, i):
                key = (GROUPS[i], len(found), last, self.node[i, tokens[-1]])
                self.at[i, tokens[-1]] = key
                self.seen.setdefault(key, []).append(self.heat[i, k])
                found.append(key)
                last = self.node[i, tokens[-1]]
            self.keys[i] = found

    def children(self, key):
        """The keys that follow, and the rows that end there."""
        after, ended = set(), []
        for i, path in self.keys.items():
            if key in path:
                k = path.index(key)
                if k + 1 < len(path):
                    after.add(path[k + 1])
                else:
                    ended.append(i)
        return sorted(after), ended

    def value(self, key, how):
        if how == "leaves":
            rows = [self.total[i] for i, path in self.keys.items() if key in path]
            return sum(rows) / len(rows)
        after, ended = self.children(key)
        parts = [(self.weight(c, how), self.value(c, how)) for c in after]
        parts += [(1.0, self.total[i]) for i in ended]
        return sum(w * v for w, v in parts) / sum(w for w, _ in parts)

    def weight(self, key, how):
        if how != "softmax":
            return 1.0
        return math.exp(sum(self.seen[key]) / len(self.seen[key]))

    def root(self, group, how):
        paths = [p for i, p in self.keys.items() if GROUPS[i] == group]
        if how == "leaves":
            rows = [r for i, r in self.total.items() if GROUPS[i] == group]
            return sum(rows) / len(rows)
        tops = sorted({p[0] for p in paths})
        parts = [(self.weight(c, how), self.value(c, how)) for c in tops]
        return sum(w * v for w, v in parts) / sum(w for w, _ in parts)


@pytest.mark.parametrize("how", ["children", "leaves", "softmax"])
@pytest.mark.parametrize("over", ["", "parent", "root", "both"])
def test_node_values(seed, how, over):
    rollout = grown(seed)
    loops, want = Loops(rollout), {}
    for i, path in loops.keys.items():
        root = loops.root(GROUPS[i], how)
        place = {key: p for p, key in loops.at.items() if p[0] == i}
        for k, key in enumerate(path):
            own = loops.value(key, how)
            parent = loops.value(path[k - 1], how) if k else root
            want[place[key]] = {
                "": own,
                "parent": own - parent,
                "root": own - root,
                "both": own - parent + own - root,
            }[over]
    more = ", entropy='turn_entropy'" if how == "softmax" else ""
    text = f"node_values('node', how='{how}', over='{over}'{more})"
    agree(run(f"outcome('correct') | {text}", rollout), want, tol=1e-10)


def test_equal_outcomes_are_worth_exactly_nothing(seed):
    rollout = grown(seed).with_signals(correct=jnp.full(12, 0.1))
    text = "outcome('correct') | node_values('node', how='children', over='parent')"
    assert set(run(text, rollout).values()) == {0.0}


def test_siblings_sum_to_nothing(seed):
    """Over the children of each node, under the mean of children."""
    rollout = grown(seed)
    text = "outcome('correct') | node_values('node', over='parent')"
    got, loops = run(text, rollout), Loops(rollout)
    inner = {}
    for p, key in loops.at.items():
        inner.setdefault(key[:3], {})[key] = got[p]
    grown_from = {key[3]: loops.children(key)[1] for key in loops.at.values()}
    for (_, _, parent), found in inner.items():
        if not grown_from.get(parent):  # a row that ends there is a child too
            assert sum(found.values()) == pytest.approx(0, abs=1e-12)


def test_mask_only_children(seed):
    """Steps whose parent has no other child leave the loss."""
    rollout = grown(seed)
    everything = {
        (i, t): (GROUPS[i], k)
        for i in range(12)
        for k, ts in step_tokens(rollout, i)
        for t in ts
    }
    node, keys = np.asarray(rollout.signals["node"]), {}
    for i in range(12):
        last = -1
        for level, (_, tokens) in enumerate(step_tokens(rollout, i)):
            for t in tokens:
                keys[i, t] = (GROUPS[i], level, last, node[i, tokens[-1]])
            last = node[i, tokens[-1]]
    kept = np.asarray(mask_only_children("node").keep(None, rollout))
    assert 0 < kept.sum() < len(everything)
    for p in everything:
        alike = {key for key in keys.values() if key[:3] == keys[p][:3]}
        assert kept[p] == (len(alike) > 1), p
    assert not kept[~np.asarray(rollout.mask)].any()


def test_center_by_fork_without_the_own_child(seed):
    """V(v) - mean over its siblings alone: n / (n - 1) times the usual."""
    rollout = treelike(seed)
    text = "process('prm') | center_by_fork('node'{})"
    with_own, alone = (
        run(text.format(x), rollout) for x in ("", ", leave_one_out=True")
    )
    node = np.asarray(rollout.signals["node"])
    parent = np.asarray(nodes.parents(rollout.signals["node"], rollout))
    key = {p: (GROUPS[p[0]], parent[p]) for p in run("process('prm')", rollout)}
    assert sorted(with_own) == sorted(alone)
    for p, x in with_own.items():
        n = len({node[q] for q in key if key[q] == key[p]})
        assert alone[p] == pytest.approx(x * n / (n - 1), abs=1e-12)


def test_center_by_state_keeps_a_lone_one_as_0(seed):
    rollout = treelike(seed)
    gone = run("process('prm') | center_by_state('anchor')", rollout)
    kept = run(
        "process('prm') | center_by_state('anchor', zero_singletons=True)", rollout
    )
    lone = set(kept) - set(gone)
    assert all(kept[p] == 0 for p in lone) and set(gone) <= set(kept)
    agree({p: kept[p] for p in gone}, gone)


def test_rows_without_tokens_and_a_batch_of_one(seed):
    """Nothing is divided by 0 where there is nothing, or one row alone."""
    rollout = grown(seed)
    alone = dataclasses.replace(
        rollout, mask=rollout.mask & (np.arange(12) == 0)[:, None]
    )
    for over in ("", "parent", "root", "both"):
        text = f"outcome('correct') | node_values('node', over='{over}')"
        for got in run(text, alone).values():
            assert np.isfinite(got) and (over == "" or got == 0)
    none = dataclasses.replace(
        rollout, mask=jnp.zeros((12, rollout.mask.shape[1]), bool)
    )
    assert run("outcome('correct') | node_values('node')", none) == {}
    assert not true_tokens(none, 0)
