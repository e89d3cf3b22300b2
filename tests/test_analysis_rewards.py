"""EPIC and STARC: loops, linear algebra and what must not matter."""

import itertools
import math

import numpy as np
import pytest

from rewardlab.analysis import epic, starc

S, A, GAMMA = 4, 2, 0.9
RNG = np.random.default_rng(4)
EVERY = list(itertools.product(range(S), range(A), range(S)))


def table():
    return RNG.normal(size=(S, A, S))


def world():
    moves = RNG.random((S, A, S)) * (RNG.random((S, A, S)) < 0.7) + 1e-3
    return moves / moves.sum(axis=2, keepdims=True)


def test_epic_canonical():
    """Expectations as loops, under uneven distributions."""
    reward, d, pi = table(), RNG.dirichlet(np.ones(S)), RNG.dirichlet(np.ones(A))
    m = [
        sum(pi[a] * d[t] * reward[s, a, t] for a in range(A) for t in range(S))
        for s in range(S)
    ]
    mean = sum(d[s] * m[s] for s in range(S))
    got = epic.epic_canonical(reward, GAMMA, d, pi)
    for s, a, t in EVERY:
        want = reward[s, a, t] + GAMMA * m[t] - m[s] - GAMMA * mean
        assert got[s, a, t] == pytest.approx(want)


def test_epic_distance():
    """0 for what leaves the optimal policy, 1 for its opposite, and a metric."""
    a, b, c = table(), table(), table()
    phi = RNG.normal(size=S)
    same = epic.shaped(3 * a, phi, GAMMA) + 2
    for d in (None, RNG.dirichlet(np.ones(S))):
        assert epic.epic_distance(a, same, GAMMA, d) == pytest.approx(0, abs=1e-7)
        assert epic.epic_distance(a, -same, GAMMA, d) == pytest.approx(1)
    ab, bc, ac = (epic.epic_distance(*x, GAMMA) for x in ((a, b), (b, c), (a, c)))
    assert ab == pytest.approx(epic.epic_distance(b, a, GAMMA)) and ac <= ab + bc
    # The canonical reward has mean 0, so unit 2-norms are unit variances.
    assert epic.direct_distance(a, b, GAMMA, 2) == pytest.approx(ab)


def test_pearson_distance():
    """By correlation; a constant has no correlation with anything."""
    a, b = table(), table()
    rho = np.corrcoef(a.ravel(), b.ravel())[0, 1]
    want = math.sqrt((1 - rho) / 2)
    assert epic.pearson_distance(a, b) == pytest.approx(want)
    flat = np.ones((S, A, S))
    assert epic.pearson_distance(flat, 2 * flat) == 0
    assert epic.pearson_distance(flat, b) == pytest.approx(math.sqrt(0.5))
    assert epic.direct_distance(flat * 0, b, GAMMA, 1) == pytest.approx(0.5)
    assert epic.direct_distance(flat * 0, flat * 0, GAMMA, 1) == 0


def test_lp_norm_and_closest_potential():
    """Weighted powers; a shaping is found again, up to a constant."""
    a, weight = table(), epic.coverage((S, A, S))
    assert weight.sum() == pytest.approx(1)
    want = np.mean(np.abs(a) ** 3) ** (1 / 3)
    assert epic.lp_norm(a, 3, weight) == pytest.approx(want)
    phi = RNG.normal(size=S)
    found = epic.closest_potential(a, epic.shaped(a, phi, GAMMA), GAMMA)
    np.testing.assert_allclose(found, phi)


def test_dard_canonical():
    """The same action in both transitions, next states from the dynamics."""
    reward, moves = table(), world()
    phi = [
        sum(moves[s, a, t] * reward[s, a, t] / A for a in range(A) for t in range(S))
        for s in range(S)
    ]
    got = starc.dard_canonical(reward, moves, GAMMA)
    for s, a, t in EVERY:
        ahead = sum(
            moves[s, b, x] * moves[t, b, y] * reward[x, b, y] / A for x, b, y in EVERY
        )
        want = reward[s, a, t] + GAMMA * phi[t] - phi[s] - GAMMA * ahead
        assert got[s, a, t] == pytest.approx(want)


def test_values():
    """V is a fixed point; sweeps come near to it."""
    reward, moves = table(), world()
    values = starc.uniform_values(reward, moves, GAMMA)
    for s in range(S):
        want = sum(
            moves[s, a, t] * (reward[s, a, t] + GAMMA * values[t]) / A
            for a in range(A)
            for t in range(S)
        )
        assert values[s] == pytest.approx(want)
    near = starc.uniform_values(reward, moves, GAMMA, 1e-8)
    np.testing.assert_allclose(near, values, atol=1e-7)
    advantage = starc.value_potential_canonical(reward, values, GAMMA)
    mean = (moves * advantage).sum(axis=2)
    val = starc.val_canonical(reward, moves, values, GAMMA)
    np.testing.assert_allclose(val, np.repeat(mean[..., None], S, axis=2))


def test_what_canonical_forms_do_not_see():
    """All lose shaping; only VAL loses what the next state could pay in another way."""
    reward, moves, phi = table(), world(), RNG.normal(size=S)
    moved = table()  # changes each R(s, a, .) but not its mean under the dynamics
    moved -= (moves * moved).sum(axis=2, keepdims=True)

    def val(r):
        values = starc.uniform_values(r, moves, GAMMA)
        return starc.val_canonical(r, moves, values, GAMMA)

    forms = {
        "epic": lambda r: epic.epic_canonical(r, GAMMA),
        "dard": lambda r: starc.dard_canonical(r, moves, GAMMA),
        "minimal": lambda r: starc.minimal_canonical(r, GAMMA),
        "val": val,
    }
    for name, form in forms.items():
        here = form(reward)
        shaped = form(epic.shaped(reward, phi, GAMMA))
        np.testing.assert_allclose(here, shaped, atol=1e-9)
        blind = np.allclose(here, form(reward + moved))
        assert blind == (name == "val"), name
    least = starc.minimal_canonical(reward, GAMMA)
    nudges = RNG.normal(size=(50, S)) / 10
    others = [np.linalg.norm(epic.shaped(least, n, GAMMA)) for n in nudges]
    assert np.linalg.norm(least) <= min(others)


def test_starc_distance():
    """Norms by hand; twice EPIC with its canonical form; 0 for a reward of 0."""
    a, b, moves = table(), table(), world()
    assert starc.NORMS["1"](a, moves) == pytest.approx(np.abs(a).sum())
    assert starc.NORMS["inf"](a, moves) == np.abs(a).max()
    want = math.sqrt((a**2 * moves).sum())
    assert starc.NORMS["weighted_2"](a, moves) == pytest.approx(want)
    assert starc.NORMS["weighted_inf"](a, moves) == (np.abs(a) * moves).max()
    canonical = [epic.epic_canonical(x, GAMMA) for x in (a, b)]
    twice = 2 * epic.epic_distance(a, b, GAMMA)
    assert starc.starc_distance(*canonical, moves) == pytest.approx(twice)
    zero = np.zeros_like(a)
    assert starc.starc_distance(zero, zero, moves) == 0
    one = starc.starc_distance(a, zero, moves, norm="1", metric="1")
    assert one == pytest.approx(1)


def test_regret_by_trying_every_policy():
    """The best and the worst of all 16 policies; 0 where nothing can be lost."""
    reward, other, moves = table(), table(), world()
    start = RNG.dirichlet(np.ones(S))
    earned = {
        policy: starc.policy_return(reward, moves, GAMMA, np.array(policy), start)
        for policy in itertools.product(range(A), repeat=S)
    }
    best = starc.optimal_policy(reward, moves, GAMMA)
    every = list(earned.values())
    assert earned[tuple(best)] == pytest.approx(max(every))
    theirs = earned[tuple(starc.optimal_policy(other, moves, GAMMA))]
    want = (max(every) - theirs) / (max(every) - min(every))
    got = starc.regret(reward, other, moves, GAMMA, start)
    assert got == pytest.approx(want)
    assert starc.regret(reward, reward, moves, GAMMA) == 0
    assert starc.regret(reward, -reward, moves, GAMMA) == pytest.approx(1)
    assert starc.regret(np.zeros_like(reward), other, moves, GAMMA) == 0


def test_policy_return_is_a_sum_over_time():
    """The linear solve against many steps of the chain."""
    reward, moves = table(), world()
    policy = np.array([0, 1, 1, 0])
    total = 0.0
    at = np.full(S, 1 / S)
    for t in range(400):
        for s in range(S):
            a = policy[s]
            total += GAMMA**t * at[s] * (moves[s, a] @ reward[s, a])
        at = sum(at[s] * moves[s, policy[s]] for s in range(S))
    assert starc.policy_return(reward, moves, GAMMA, policy) == pytest.approx(total)
