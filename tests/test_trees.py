"""Trees of episodes: what branches share, what they do not, and what they are worth."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_episodes import (
    APPLY,
    CONFIG,
    ENVIRONMENT,
    KEY,
    OPTIONS,
    PARAMS,
    TURNS,
    facts,
    replay,
    same,
)

from rewardlab.learning.parallel import DRIVERS, REPLICATED, SHARDED, SHARDED_ROLLOUT
from rewardlab.models import lm
from rewardlab.rollouts import Branching, End, rollout_trees
from rewardlab.rollouts.drawing import row_keys, row_noise
from rewardlab.rollouts.forking import uniform
from rewardlab.rollouts.trees import _CHOICE

B, G, T, K = 8, 6, OPTIONS.max_completion_length, 2
SIX = dataclasses.replace(OPTIONS, num_generations=G)
AT_TURNS = Branching(roots=2, rounds=2, turns=(1, 2))
UNSURE = Branching(roots=2, rounds=2, weight=0.5, threshold=0.6)
ODD = ENVIRONMENT._replace(
    outcome=lambda state: {"correct": (state.tokens % 2).astype(jnp.float32)}
)


def trees(params, columns, iteration, branching=UNSURE, values=K):
    case = (APPLY, params, columns, KEY, iteration, SIX, ODD, branching)
    return rollout_trees(*case, values)


@pytest.fixture(scope="module")
def at_turns():
    """With (parent, turn) of each branch: rows 0 and 1 of two, rows 0 and 2 of four."""
    made = jax.tree.map(np.asarray, trees(PARAMS, facts(), 3, AT_TURNS, values=0))
    plan = {2: (0, 1), 3: (1, 1), 4: (0, 2), 5: (2, 2)}
    found = {}
    for n in range(B * G):
        parent, turn = plan.get(n % G, (0, 0))
        parent += n - n % G
        if turn and (made.step[parent] == turn).any():
            found[n] = (parent, turn)
    return made, found


@pytest.fixture(scope="module")
def unsure():
    return jax.tree.map(np.asarray, trees(PARAMS, facts(), 3))


def read_back(rollout):
    """Row -> (parent, turn) of each branch, by its first node of its own."""
    node, found = rollout.signals["node"], {}
    for n, ids in enumerate(node):
        b, i = divmod(n, G)
        own = [t for t in range(T) if ids[t] >= 0 and ids[t] // TURNS == i]
        turn = rollout.step[n, own[0]]
        if turn > 0:
            before = ids[rollout.valid[n] & (rollout.step[n] < turn)]
            found[n] = (b * G + before[-1] // TURNS, turn)
    return found


def test_branches_have_their_parents_tokens(at_turns):
    rollout, plan = at_turns
    assert read_back(rollout) == plan
    assert B < len(plan) < 4 * B
    for n, (parent, turn) in plan.items():
        kept = rollout.valid[parent] & (rollout.step[parent] < turn)
        assert 0 < kept.sum() < rollout.valid[n].sum()
        for name in ("tokens", "mask", "step", "logp", "valid"):
            row = getattr(rollout, name)
            np.testing.assert_array_equal(row[n][kept], row[parent][kept])
        for name in ("size", "call", "size_valid"):
            x = rollout.signals[name]
            np.testing.assert_array_equal(x[n, :turn], x[parent, :turn])


@pytest.mark.parametrize("kind", ["at_turns", "unsure"])
def test_every_row_keeps_the_environments_rules(kind, request):
    """Only with the state that belongs to its turn does a branch see what it must."""
    rollout = request.getfixturevalue(kind)
    rollout = rollout[0] if kind == "at_turns" else rollout
    for n, tokens in enumerate(rollout.tokens):
        length = rollout.valid[n].sum()
        assert rollout.valid[n, :length].all() and not tokens[length:].any()
        told = replay(tokens[:length])
        assert rollout.mask[n, :length].tolist() == told["own"]
        assert rollout.step[n].tolist() == told["step"] + [-1] * (T - length)
        judged = rollout.signals["size_valid"][n]
        for name in ("size", "call"):
            assert rollout.signals[name][n][judged].tolist() == told[name]
        assert rollout.signals["ended_by"][n] == told["end"]
        if told["end"] != End.ERROR:
            assert rollout.signals["correct"][n] == sum(told["size"]) % 2


def test_own_tokens_are_drawn_with_the_rows_own_noise(at_turns):
    """Each the likeliest after noise, by a model that reads the whole row anew."""
    rollout, plan = at_turns

    @jax.jit
    def anew(rollout):
        r = rollout
        case = (r.prompts, r.prompt_mask, r.tokens, r.valid)
        logits = lm.states(CONFIG, PARAMS, *case) @ lm.head(CONFIG, PARAMS)
        logits = logits / OPTIONS.temperature
        noise = row_noise(row_keys(KEY, 3, facts()["id"], G), T, CONFIG.vocab_size)
        drawn = jax.vmap(noise, out_axes=1)(jnp.arange(T))
        logp = jax.nn.log_softmax(logits)
        logp = jnp.take_along_axis(logp, r.tokens[..., None], axis=2)[..., 0]
        return logp, jnp.argmax(logits + drawn, axis=-1)

    logp, token = map(np.asarray, anew(rollout))
    np.testing.assert_allclose(rollout.logp, np.where(rollout.mask, logp, 0), atol=1e-4)
    turn = np.array([plan.get(n, (0, 0))[1] for n in range(B * G)])
    own = rollout.mask & (rollout.step >= turn[:, None])
    assert (token == rollout.tokens)[own].all()
    assert (token != rollout.tokens)[rollout.mask & ~own].sum() > 10


def owners(rollout, plan):
    """(row that chose it, turn) of each token, by the plan."""
    chose = {}
    for n in range(B * G):
        parent, turn = plan.get(n, (0, 0))
        for t in np.flatnonzero(rollout.valid[n]):
            step = int(rollout.step[n, t])
            shared = chose[parent, int(t)] if step < turn else (n, step)
            chose[n, int(t)] = shared
    return chose


def test_nodes_are_turns_that_rows_share(at_turns):
    rollout, plan = at_turns
    chose, ids = owners(rollout, plan), {}
    for (n, t), node in chose.items():
        here = (n // G, int(rollout.signals["node"][n, t]))
        assert ids.setdefault(here, node) == node
    assert len(set(ids.values())) == len(ids) and min(i for _, i in ids) >= 0
    assert (rollout.signals["node"][~rollout.valid] == -1).all()


def test_values_are_means_over_the_rows_that_go_through(at_turns):
    rollout, plan = at_turns
    chose, signals = owners(rollout, plan), rollout.signals

    def state(n, k):
        turn = [t for t in range(T) if rollout.step[n, t] == k - 1]
        return chose[n, turn[-1]] if turn else None

    assert (signals["success_valid"] == signals["correct_valid"]).all()
    for n in np.flatnonzero(signals["correct_valid"]):
        last = int(rollout.step[n].max())
        for k in range(TURNS + 1):
            rows = range(n - n % G, n - n % G + G)
            if 0 < k <= last:
                rows = [m for m in rows if state(m, k) == state(n, k)]
            elif k > last:
                rows = [n]
            outcomes = [
                signals["correct"][m] for m in rows if signals["correct_valid"][m]
            ]
            mean = sum(outcomes) / len(outcomes)
            np.testing.assert_allclose(signals["success"][n, k], mean, rtol=1e-6)
            if k < TURNS:
                value = mean if k <= last else 0
                np.testing.assert_allclose(
                    signals["step_value"][n, k], value, rtol=1e-6
                )


def test_branches_begin_where_entropy_rose(unsure):
    """ARPO's rule, replayed for each prompt and round from the finished rows."""
    plan = read_back(unsure)
    signals, log_v = unsure.signals, np.log(CONFIG.vocab_size)
    kinds = {"branch": 0, "fresh": 0}
    for r in range(UNSURE.rounds):
        key = jax.random.fold_in(jax.random.fold_in(KEY, _CHOICE), r)
        draw = np.asarray(uniform(row_keys(key, 3, facts()["id"], G), TURNS))
        for b in range(B):
            there = range(b * G, b * G + 2 + 2 * r)
            rises = []
            for n in there:
                entropy = [
                    signals["entropy"][n][unsure.mask[n] & (unsure.step[n] == k)].sum()
                    for k in range(TURNS)
                ]
                for k in range(plan.get(n, (0, 0))[1] + 1, TURNS):
                    begun = (unsure.mask[n] & (unsure.step[n] == k)).any()
                    rise = (entropy[k] - entropy[0]) / log_v
                    low = np.clip(draw[n, k] - 0.5 * rise, 0, 1) <= 0.6
                    if begun and low and signals["call"][n, k - 1] > 0:
                        rises.append((-rise, n, k))
            best = sorted(rises)[:2]
            want = [(n, k) for _, n, k in best] + [None] * (2 - len(best))
            new = range(there.stop, there.stop + 2)
            assert [plan.get(n) for n in new] == want
            kinds["branch"] += len(best)
            kinds["fresh"] += 2 - len(best)
    assert min(kinds.values()) > 2


def test_one_prompt_a_device_grows_the_same_trees(unsure):
    driver = DRIVERS["jit"](jax.devices()[:B])
    ins = (REPLICATED, SHARDED, REPLICATED)
    spread = driver.spmd(trees, ins=ins, outs=SHARDED_ROLLOUT)
    same(spread(PARAMS, facts(), jnp.asarray(3)), unsure)
