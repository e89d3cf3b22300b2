"""Segments in the place of steps, and spreads of siblings, against loops."""

import dataclasses

import numpy as np
import pytest
from oracle import SEEDS, agree, run, step_tokens, varied

from rewardlab.testing import from_arrays

pytestmark = pytest.mark.usefixtures("x64", "strict_ranks")
SOURCES = ("outcome('correct')", "process('prm')", "dense('dense')")
seeds = pytest.mark.parametrize("seed", SEEDS)
sources = pytest.mark.parametrize("source", SOURCES)


@seeds
@sources
def test_in_segments(seed, source):
    """What a transform makes of rows whose steps are the segments."""
    rollout, rng = varied(seed), np.random.default_rng(seed)
    segment = np.cumsum(rng.random((12, 12)) < 0.4, axis=1)
    step = np.where(rollout.mask, segment, -1)
    other = dataclasses.replace(rollout, step=step)
    rollout = rollout.with_signals(segment=segment)
    for inner in ("step_returns_to_go(0.5)", "broadcast_step_values()"):
        before = run(source, rollout)
        want = {}
        for i in {p[0] for p in before}:
            steps, ahead = step_tokens(other, i), 0.0
            for _, tokens in reversed(steps):
                own = [before.get((i, t), 0.0) for t in tokens]
                ahead = sum(own) + 0.5 * ahead
                value = ahead if "returns" in inner else own[-1]
                want |= {(i, t): value for t in tokens}
        agree(run(f"{source} | in_segments('segment', {inner})", rollout), want)


def test_in_segments_wants_a_number_a_token():
    rollout = from_arrays(np.ones((2, 3)), correct=np.ones(2))
    with pytest.raises(ValueError, match="needs an integer a token"):
        run("in_segments('correct', process('prm'))", rollout)


def tree(paths, outcomes, group=None):
    """Rows of one token a step; a path is the nodes of its steps."""
    width = max(map(len, paths))
    names = sorted({n for p in paths for n in p})
    node = np.array(
        [[names.index(n) for n in p] + [0] * (width - len(p)) for p in paths]
    )
    mask = np.array([[k < len(p) for k in range(width)] for p in paths])
    step = np.where(mask, np.arange(width), -1)
    return from_arrays(
        mask, group=group, step=step, correct=np.array(outcomes, float), node=node
    )


UNEVEN = (("a", "b"), ("a", "c", "d"), ("a", "c", "e"), ("f",), ("g", "h"), ("g",))
TWICE = (*UNEVEN, ("a", "c", "e"), ("f",))


def test_balanced_trees_weigh_rows_and_children_alike():
    """Then the mean over rows, `return_from_step`, compares siblings alike."""
    paths = tuple((a, a + b, a + b + c) for a in "xy" for b in "uv" for c in "pq")
    rollout = tree(paths, np.random.default_rng(0).normal(size=8))
    text = "outcome('correct') | {} | center_by_fork('node')"
    children = run(text.format("node_values('node')"), rollout)
    agree(children, run(text.format("return_from_step()"), rollout))
    for k in range(3):  # siblings add up to 0
        total = sum(r for (_, t), r in children.items() if t == k)
        assert total == pytest.approx(0)


@pytest.mark.parametrize("eps", [1e-8, 0.3])
def test_scale_by_fork_std(eps):
    """r / (std + eps) over a node and its siblings, each once; equal ones stay 0."""
    paths = TWICE + (("g", "i"), ("k",))
    outcomes = np.random.default_rng(3).integers(0, 4, len(paths)).tolist()
    rollout = tree(paths, outcomes)
    text = "outcome('correct') | node_values('node') | center_by_fork('node')"
    before = run(text, rollout)
    once = {}
    for (i, k), r in before.items():
        once.setdefault(paths[i][:k], {})[paths[i][k]] = r
    want = {}
    for (i, k), r in before.items():
        own = list(once[paths[i][:k]].values())
        mean = sum(own) / len(own)
        std = (sum((x - mean) ** 2 for x in own) / len(own)) ** 0.5
        want[i, k] = r / (std + eps)
    assert len(want) > 6
    agree(run(f"{text} | scale_by_fork_std('node', eps={eps})", rollout), want, 1e-9)
