"""Trees that branch where actions are fewest for their uncertainty (CARL)."""

import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_episodes import PARAMS, TURNS, facts, same
from test_train_agents import episodes, tiny
from test_trees import B, G, T, trees

from rewardlab.learning.parallel import DRIVERS, REPLICATED, SHARDED, SHARDED_ROLLOUT
from rewardlab.rollouts import Branching
from rewardlab.rollouts.density import branch_where_least_dense
from rewardlab.rollouts.rows import Rows
from rewardlab.runs.sinks import read_metrics
from rewardlab.runs.training import train

ALONE = Branching(roots=1, rounds=5, rule="least_dense")
SEVERAL = Branching(roots=2, rounds=2, rule="least_dense")


def sampled(rollout, rows):
    """State -> the -log p a token of each action that these rows sampled in it.

    A state is the node before it, and whoever comes first through it: (row, turn).
    """
    node, states, first = rollout.signals["node"], {}, {}
    for n in rows:
        before = None
        for k in range(TURNS):
            own = [
                t for t in range(T) if rollout.mask[n, t] and rollout.step[n, t] == k
            ]
            if not own:
                break
            ids = node[n, own[0]]
            if ids // TURNS == n % G:  # its own action, and no one else's
                logp = rollout.logp[n, own].astype(np.float64)
                states.setdefault((k, before), []).append(-logp.mean())
                first.setdefault((k, before), (n % G, k))
            before = ids
    return states, first


def chosen(states, first, count):
    """The states of least n / H, each counted before the next is chosen."""
    counts, found = {s: len(h) for s, h in states.items()}, []
    for _ in range(count):
        density = {s: counts[s] / np.mean(h) for s, h in states.items()}
        best = min(density, key=lambda s: (density[s], first[s]))
        counts[best] += 1
        found.append(best)
    return found


def branched(rollout, n):
    """The state that a row branched off: its first own turn, and the node before."""
    node = rollout.signals["node"][n]
    own = next(t for t in range(T) if node[t] >= 0 and node[t] // TURNS == n % G)
    k = rollout.step[n, own]
    before = [t for t in range(T) if rollout.mask[n, t] and rollout.step[n, t] == k - 1]
    return int(k), node[before[0]] if k else None


@pytest.mark.parametrize("branching", [ALONE, SEVERAL])
def test_branches_begin_at_the_least_dense_state(branching):
    """The rule in float64, replayed for each round from the finished rows."""
    made = jax.tree.map(np.asarray, trees(PARAMS, facts(), 3, branching, values=0))
    more, turns = (G - branching.roots) // branching.rounds, []
    for b in range(B):
        for r in range(branching.rounds):
            there = range(b * G, b * G + branching.roots + r * more)
            want = chosen(*sampled(made, there), more)
            new = range(there.stop, there.stop + more)
            assert [branched(made, n) for n in new] == want
            turns += [k for k, _ in want]
    assert len(set(turns)) > 2  # the prompt, and later states


def test_one_prompt_a_device_grows_the_same_trees():
    grow = lambda *case: trees(*case, ALONE, values=0)  # noqa: E731
    driver = DRIVERS["jit"](jax.devices()[:B])
    ins = (REPLICATED, SHARDED, REPLICATED)
    spread = driver.spmd(grow, ins=ins, outs=SHARDED_ROLLOUT)
    same(spread(PARAMS, facts(), jnp.asarray(3)), grow(PARAMS, facts(), 3))


def rows_of(nats, node):
    """Rows of one prompt with one token a turn, which had so many nats; NaN: none."""
    nats, node = np.array(nats, float), np.array(node)
    there = ~np.isnan(nats)
    turns = np.broadcast_to(np.arange(nats.shape[1]), nats.shape)
    state = types.SimpleNamespace(
        mask=jnp.asarray(there),
        step=jnp.asarray(np.where(there, turns, -1)),
        logp=jnp.asarray(np.where(there, -nats, 0.0)),
        turn_scored=jnp.asarray(there),
    )
    return Rows(state, (), (), jnp.asarray(np.where(there, node, -1)))


def places(nats, node, count):
    parent, turn = branch_where_least_dense(rows_of(nats, node), (1, count))
    return list(zip(parent[0].tolist(), turn[0].tolist(), strict=True))


def test_states_are_chosen_one_after_the_other():
    """By hand: the prompt has 2 / 2, then 3 / 2; the state after row 1 has 1 / 0.9."""
    nan = np.nan
    nats, node = [[1.0, nan], [3.0, 0.9]], [[0, 0], [2, 3]]
    assert places(nats, node, 3) == [(0, 0), (1, 1), (0, 0)]
    # A shared action counts once: row 1 goes on from the first of row 0.
    nats, node = [[2.0, 0.1], [2.0, 3.1]], [[0, 1], [0, 3]]
    assert places(nats, node, 3) == [(0, 0), (0, 0), (0, 1)]  # 2 / 1.6 < 3 / 2


def test_states_without_doubt_or_actions():
    """Certain actions have no density: the prompt, if nothing else is in doubt."""
    nan = np.nan
    assert places([[0.0, 0.0]], [[0, 1]], 2) == [(0, 0), (0, 0)]
    assert places([[0.0, 0.5]], [[0, 1]], 2) == [(0, 1), (0, 1)]
    assert places([[0.5, nan], [nan, nan]], [[0, 0], [0, 0]], 2) == [(0, 0)] * 2


def test_a_run_of_critical_actions(tmp_path):
    """As the paper grows them: all but one of a prompt's leaves begin at a fork."""
    tree = {"roots": 1, "rounds": 3, "rule": "least_dense"}
    changes = {f"rollout.branching.{key}": x for key, x in tree.items()}
    changes |= {"rollout.num_generations": 4, "eval.num_generations": 4}
    train(tiny(reward="critical_actions", **changes), tmp_path)
    for one in episodes(tmp_path, 1):
        own, credit = np.array(one["mask"]), np.array(one["advantage"])
        assert np.isfinite(credit).all() and not credit[~own].any()
    last = read_metrics(tmp_path / "metrics.jsonl")[-1]
    assert last["step"] == 2 and last["evaluations/restarts"] == 4 * 3
