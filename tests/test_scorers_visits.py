"""Values of states made of a group's outcomes, against loops over its visits."""

import collections

import jax.numpy as jnp
import numpy as np
import pytest
from golden_adapters.states import scored

from rewardlab.scorers.makers import SETTING
from rewardlab.scorers.sentence import scorers_of
from rewardlab.testing import from_arrays

SEEDS = range(4)


def batch(seed, valid=True):
    """Eight rows of two prompts; one is empty, one abstains, tokens are ragged."""
    rng = np.random.default_rng(seed)
    turns = rng.integers(1, 5, 8)
    turns[seed] = 0
    step = np.repeat(np.arange(4), 2)[None].repeat(8, axis=0)
    step = np.where(step < turns[:, None], step, -1)
    mask = (step >= 0) & (np.arange(8) % 2 == 0) | (step >= 0) & (
        rng.random((8, 8)) < 0.5
    )
    correct = rng.integers(0, 2, 8).astype(float)
    heard = np.arange(8) != (seed + 1) % 8
    correct = np.where(heard, correct, np.nan)
    anchor = rng.integers(0, 3, (8, 4))
    rollout = from_arrays(
        mask,
        group=np.array([1, 0, 1, 0, 1, 0, 1, 0]),
        step=step,
        valid=step >= 0,
        correct=correct,
        correct_valid=heard,
        anchor=np.where(np.arange(4) < turns[:, None], anchor, 99),
    )
    return rollout, np.where(heard, turns, 0)


def rows(rollout, turns):
    """(row, group, anchors of its turns, outcome) of rows that have one."""
    for i in np.flatnonzero(turns):
        seen = np.asarray(rollout.signals["anchor"])[i, : turns[i]].tolist()
        yield i, int(rollout.group[i]), seen, float(rollout.signals["correct"][i])


def pooled(rollout, turns, discount, late):
    """Mean over the visits of a state of discount^(turns left + late) R."""
    visits = collections.defaultdict(list)
    for _, g, seen, right in rows(rollout, turns):
        for k, name in enumerate(seen):
            visits[g, name].append(discount ** (len(seen) - 1 - k + late) * right)
    return {key: sum(x) / len(x) for key, x in visits.items()}


@pytest.mark.parametrize("seed", SEEDS)
def test_state_values(seed, x64):
    rollout, turns = batch(seed)
    value = pooled(rollout, turns, 0.8, 0)
    want = np.zeros((8, 4))
    for i, g, seen, _ in rows(rollout, turns):
        want[i, : len(seen)] = [value[g, name] for name in seen]
    found = scored(rollout, "state_values(discount=0.8)").signals
    np.testing.assert_allclose(found["state_value"], want, rtol=1e-12)
    assert np.array_equal(found["state_value_valid"], turns > 0)


@pytest.mark.parametrize("seed", SEEDS)
def test_graph_values(seed, x64):
    """One discount more, and the end of a right row is worth 1."""
    rollout, turns = batch(seed)
    value = pooled(rollout, turns, 0.8, 1)
    want = np.zeros((8, 5))
    for i, g, seen, right in rows(rollout, turns):
        want[i, : len(seen)] = [value[g, name] for name in seen]
        want[i, len(seen)] = right == 1
    found = scored(rollout, "graph_values(discount=0.8)").signals["graph_value"]
    np.testing.assert_allclose(found, want, rtol=1e-12)


def breadth_first(edges, goals):
    """{node: fewest edges to a goal}, by layers from the goals backwards."""
    far, layer, d = dict.fromkeys(goals, 0), set(goals), 0
    while layer:
        d += 1
        layer = {a for a, b in edges if b in layer and a not in far}
        far |= dict.fromkeys(layer, d)
    return far


@pytest.mark.parametrize("seed", SEEDS)
def test_goal_nearness(seed, x64):
    """omega^(d + shift) on the graph of the group, by a search from its goals."""
    rollout, turns = batch(seed)
    found = scored(rollout, "goal_nearness(omega=0.7, shift=2.0)").signals
    want = np.zeros((8, 4))
    for group in (0, 1):
        paths = {}
        for i, g, seen, right in rows(rollout, turns):
            if g == group:
                paths[i] = [*seen, "goal" if right > 0 else ("end", i)]
        edges = {
            e for path in paths.values() for e in zip(path, path[1:], strict=False)
        }
        far = breadth_first(
            edges, ["goal"] if any("goal" in p for p in paths.values()) else []
        )
        if far:
            beyond = max(far.values()) + 1
            for i, path in paths.items():
                want[i, : len(path) - 1] = [
                    0.7 ** (far.get(b, beyond) + 2) for b in path[1:]
                ]
    np.testing.assert_allclose(found["goal_nearness"], want, rtol=1e-12)


def test_without_a_right_row_nothing_is_near():
    rollout, _ = batch(0)
    rollout = rollout.with_signals(correct=jnp.zeros(8))
    near = scored(rollout, "goal_nearness()").signals["goal_nearness"]
    assert not np.asarray(near).any()


def test_first_result():
    """Tokens up to the end of the first turn with a call, and what that turn got."""
    step = np.array([[0, 0, 1, 1, 2], [0, 1, 1, -1, -1], [0, 0, 0, 1, 1]])
    mask = (step >= 0) & np.array([1, 1, 0, 1, 1], bool)
    rollout = from_arrays(
        mask,
        step=step,
        valid=step >= 0,
        call=np.array([[0.0, 1, 1], [0, 0, 0], [1, 0, 0]]),
        call_valid=np.array([[1, 1, 1], [1, 1, 0], [0, 0, 0]], bool),
        productive=np.array([[5.0, 2, 3], [7, 7, 7], [4, 0, 0]]),
    )
    found = scored(rollout, "first_result()").signals
    assert found["tool_used"].tolist() == [1, 0, 0]
    assert found["tool_reward"].tolist() == [2, 0, 0]
    want = [[1, 1, 0, 1, 0], [0] * 5, [0] * 5]
    assert found["before_result"].astype(int).tolist() == want
    (scorer,) = scorers_of("first_result('format', call='call')", SETTING)
    assert scorer.reads == ("format", "call")
