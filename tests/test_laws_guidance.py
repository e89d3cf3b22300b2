"""The law `policy_invariance`: a potential cannot change what is learned.

A small tree of decisions, every pair of whose paths is a group of two completions, so
that the expected policy gradient is an exact sum. Guidance that is a potential leaves
it; a bonus does not.
"""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import apply

from rewardlab import METHODS, build, estimator
from rewardlab.core.signals import names
from rewardlab.testing import from_arrays

pytestmark = pytest.mark.usefixtures("x64")

DEPTH = 3
PATHS = [(0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1), (1, 0, 0), (1, 0, 1), (1, 1)]
NODES = sorted({path[:k] for path in PATHS for k in range(len(path))})
PAIRS = list(itertools.product(range(len(PATHS)), repeat=2))
LENGTH = np.array([len(path) for path in PATHS])
GUIDES = names(potential=True)
GUIDED = [name for name, m in METHODS.items() if set(m.reads) & set(GUIDES)]


def game(rng):
    """An outcome for every path, and a policy for every node: log-odds of action 1."""
    return rng.integers(-4, 5, len(PATHS)) / 4, rng.normal(size=len(NODES))


def guides(rng):
    """Every kind of guidance: a number for each node, or for each end of a path."""
    of_node = {node: rng.uniform(-0.9, 0.9) for node in NODES}
    at = [[of_node.get(path[:k], 0.0) for k in range(DEPTH)] for path in PATHS]
    end = rng.uniform(-0.9, 0.9, len(PATHS))
    return {k: end if k.endswith("_end") else np.array(at) for k in GUIDES}


def all_pairs(outcome, guide):
    """A rollout of every pair of paths: row by row, one token a step."""
    rows = np.array(PAIRS).ravel()
    mask = np.arange(DEPTH) < LENGTH[rows][:, None]
    return from_arrays(
        mask,
        group=np.repeat(np.arange(len(PAIRS)), 2),
        step=np.where(mask, np.arange(DEPTH), -1),
        correct=outcome[rows],
        **{k: v[rows] for k, v in guide.items()},
    )


@functools.cache
def compiled(transform):
    """Its advantages of a rollout, as one program for all of them."""
    closed = estimator(transform)
    return jax.jit(lambda rollout: closed.update({}, closed.init(rollout), rollout)[0])


def expected_gradient(transform, rollout, logits):
    """sum over pairs of p(pair) * sum over tokens of A_t d log pi(a_t | s_t)."""
    found = compiled(transform)(rollout)
    advantage = np.asarray(found).reshape(len(PAIRS), 2, DEPTH)
    up = 1 / (1 + np.exp(-logits))
    gradient = np.zeros(len(NODES))
    chance = [
        np.prod([up[NODES.index(p[:k])] if a else 1 - up[NODES.index(p[:k])]
                 for k, a in enumerate(p)])
        for p in PATHS
    ]  # fmt: skip
    for g, pair in enumerate(PAIRS):
        for row, path in enumerate(pair):
            for k, action in enumerate(PATHS[path]):
                node = NODES.index(PATHS[path][:k])
                score = action - up[node]
                weight = chance[pair[0]] * chance[pair[1]]
                gradient[node] += weight * advantage[g, row, k] * score
    return gradient


def change(transform, seed):
    """How much another guidance changes the expected gradient, of its size."""
    rng = np.random.default_rng(seed)
    outcome, logits = game(rng)
    gradients = [
        expected_gradient(transform, all_pairs(outcome, guides(rng)), logits)
        for _ in range(2)
    ]
    size = max(np.abs(gradients[0]).max(), np.abs(gradients[1]).max())
    return np.abs(gradients[0] - gradients[1]).max() / size


@pytest.mark.parametrize("name", GUIDED)
@pytest.mark.parametrize("gamma", (1.0, 0.7))
def test_policy_invariance(name, gamma):
    """Rows that claim the law keep it, for any discount; guided rows that do not claim
    it break it."""
    method = METHODS[name]
    hp = {"gamma": gamma} if "gamma" in method.hp else {}
    transform = method.build(**hp)
    changes = [change(transform, seed) for seed in range(3)]
    if "policy_invariance" in method.laws:
        assert max(changes) < 1e-12
    else:
        assert min(changes) > 1e-2


def test_only_guided_rows_claim_the_law():
    """A row that reads no guidance has nothing to prove."""
    claims = {n for n, m in METHODS.items() if "policy_invariance" in m.laws}
    assert claims and claims <= set(GUIDED)


SHAPED = (
    "process('potential') | potential_shaping(0.7) | outcome('correct')"
    " | weighted_sum(potential=1, correct=1) | step_returns_to_go(0.7)"
    " | center_by_group(leave_one_out=True)"
)
BROKEN = {
    "a bonus for being there": ("potential_shaping(0.7)", "mean_credit()"),
    "a discount that is not the returns'": ("shaping(0.7)", "shaping(1.0)"),
    "an end that keeps its potential": ("0.7)", "0.7, final='progress_end')"),
    "losses at half their price": ("(0.7) |", "(0.7) | scale_losses(0.5) |"),
    "a baseline that the row is part of": ("leave_one_out=True", ""),
}


@pytest.mark.parametrize("why", BROKEN)
def test_what_breaks_policy_invariance(why):
    """Each of the conditions is needed."""
    assert change(build(SHAPED), 0) < 1e-12
    text = SHAPED.replace(*BROKEN[why], 1)
    assert text != SHAPED and change(build(text), 0) > 1e-3, text


def test_the_shaped_gradient_is_that_of_the_true_reward():
    """Not only independent of the potential: no potential at all gives the same."""
    rng = np.random.default_rng(1)
    outcome, logits = game(rng)
    plain = build(
        "outcome('correct') | step_returns_to_go(0.7)"
        " | center_by_group(leave_one_out=True)"
    )
    rollout = all_pairs(outcome, guides(rng))
    shaped, true = (
        expected_gradient(t, rollout, logits) for t in (build(SHAPED), plain)
    )
    np.testing.assert_allclose(shaped, true, rtol=1e-12, atol=1e-12)


def transitions(reward, potential, gamma):
    """The reward of every transition of an MDP after shaping, as rows of one step."""
    count = reward.shape[0]
    before, _, after = np.indices(reward.shape).reshape(3, -1)
    rollout = from_arrays(
        np.ones((len(before), 1)),
        phi=potential[before][:, None],
        end=potential[after],
        r=reward.ravel(),
    )
    text = (
        f"process('phi') | potential_shaping({gamma}, final='end') | outcome('r')"
        " | weighted_sum(phi=1, r=1)"
    )
    transform = build(text)
    channels = apply(transform, rollout)
    value = np.asarray(channels["reward"].value[:, 0])
    return value.reshape(count, -1, count)


def q_values(reward, chance, gamma):
    """Q of the best policy, by value iteration."""
    q = np.zeros(reward.shape[:2])
    for _ in range(2000):
        q = np.sum(chance * (reward + gamma * q.max(axis=1)), axis=2)
    return q


@pytest.mark.parametrize("seed", range(5))
def test_the_best_policy_of_an_mdp_stays(seed):
    """Q' = Q - Phi, so the greedy policy stays; with another discount Q' is not."""
    rng = np.random.default_rng(seed)
    reward, phi = rng.normal(size=(4, 3, 4)), 3 * rng.normal(size=4)
    chance = rng.dirichlet(np.ones(4), size=(4, 3))
    plain = q_values(reward, chance, 0.9)
    shaped = q_values(transitions(reward, phi, 0.9), chance, 0.9)
    np.testing.assert_allclose(shaped, plain - phi[:, None], rtol=1e-9, atol=1e-9)
    assert np.array_equal(shaped.argmax(axis=1), plain.argmax(axis=1))
    other = q_values(transitions(reward, phi, 1.0), chance, 0.9)
    gaps = [q - q.max(axis=1, keepdims=True) for q in (plain, other)]
    assert not np.allclose(*gaps, atol=1e-3)


def test_a_bonus_walks_in_circles():
    """Two states and a way out: with a bonus for arriving, never leaving is best.

    State 0: go to 1, or leave with reward 1 (state 2, absorbing). State 1: back to 0,
    or stay. Potential of state 1 is 1. gamma = 0.9. Shaped, leaving stays best.
    """
    reward, chance = np.zeros((3, 2, 3)), np.zeros((3, 2, 3))
    for s, a, after in (
        (0, 0, 1),
        (0, 1, 2),
        (1, 0, 0),
        (1, 1, 1),
        (2, 0, 2),
        (2, 1, 2),
    ):
        chance[s, a, after] = 1
    reward[0, 1, 2] = 1.0
    phi = np.array([0.0, 1.0, 0.0])
    bonus = np.broadcast_to(phi, reward.shape)
    best = [
        int(q_values(r, chance, 0.9)[0].argmax())
        for r in (reward, transitions(reward, phi, 0.9), reward + bonus)
    ]
    assert best == [1, 1, 0]


def test_a_summed_potential_means_nothing_to_a_group():
    """As one outcome a potential is -Phi_0, the same for the group: it cancels."""
    rng = np.random.default_rng(0)
    rollout = all_pairs(game(rng)[0], guides(rng))
    text = (
        "process('potential') | potential_shaping() | episode_return()"
        " | center_by_group() | broadcast_to_tokens()"
    )
    closed = estimator(build(text))
    got = apply(closed, rollout)
    assert jnp.abs(got).max() < 1e-15
