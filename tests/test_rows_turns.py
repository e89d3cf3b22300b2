"""Rows of agents, whole, by name: what each turn is paid, and the loss with it.

Written from GuoqingWang1/IGPO, langfengQ/verl-agent and X-PLUG/MobileAgent (UI-S1);
`critic_search`, which has no public code, from its formula.
"""

import numpy as np
import pytest
from rows import agrees, batch, episodes, trained, whole

SEEDS = np.random.default_rng(7)
BELIEF = SEEDS.uniform(size=(8, 4))
PRM = SEEDS.normal(size=(8, 3))
IGPO = {"dual": 3.0, "kl": 0.001, "entropy": 0.001}
GIGPO = {"dual": 3.0, "kl": 0.01, "entropy": 0.001}


def spread(b, per_turn):
    """The number of each turn on its tokens; `per_turn` {(row, turn): number}."""
    a = np.zeros(b.mask.shape)
    for (i, k), value in per_turn.items():
        a[i, b.turns(i)[k]] = value
    return a


def standard(values, ddof=1, eps=1e-6, var_eps=0.0):
    """(x - mean) / (std + eps); std is 1 where there is one value."""
    mean = sum(values) / len(values)
    if len(values) == 1:
        return [(values[0] - mean) / (1 + eps)]
    var = sum((x - mean) ** 2 for x in values) / (len(values) - ddof)
    return [(x - mean) / ((var + var_eps) ** 0.5 + eps) for x in values]


def standard_in(values, key, **how):
    """`standard` of {place: x} among the places that have the same key."""
    sets = {}
    for place in values:
        sets.setdefault(key(place), []).append(place)
    found = {}
    for places in sets.values():
        got = standard([values[p] for p in places], **how)
        found |= dict(zip(places, got, strict=True))
    return found


def gains(b):
    """(gain of each turn but the last, outcome of the last), {(row, turn): reward}."""
    gain, outcome = {}, {}
    for i in range(len(b.mask)):
        last = len(b.turns(i)) - 1
        for k in range(last):
            gain[i, k] = b.signals["belief"][i, k + 1] - b.signals["belief"][i, k]
        outcome[i, last] = b.signals["correct"][i]
    return gain, outcome


def added_up(b, reward, discount=1.0):
    """A_k = r_k + discount A_{k+1} over the turns of each row."""
    found = {}
    for i in range(len(b.mask)):
        later = 0.0
        for k in reversed(range(len(b.turns(i)))):
            later = reward.get((i, k), 0.0) + discount * later
            found[i, k] = later
    return found


@pytest.mark.parametrize("name", ["igpo", "igpo_separate"])
def test_igpo(name):
    """Rewards of turns in standard units of their group, together or kind by kind."""
    b = episodes(0, spread=2.0, belief=BELIEF, correct=PRM[:, 0])
    gain, outcome = gains(b)
    how = {"key": lambda p: b.group[p[0]], "ddof": 0, "var_eps": 1e-8}
    if name == "igpo":
        reward = standard_in(gain | outcome, **how)
    else:
        reward = standard_in(gain, **how) | standard_in(outcome, **how)
    a = spread(b, added_up(b, reward))
    agrees(name, b, trained(a, **IGPO), a)


def test_igpo_of_one_episode():
    """Its turns are compared with one another; one reward of a kind has a std of 1."""
    b = episodes(0, belief=BELIEF, correct=PRM[:, 0])
    b.group = np.array([0, 1, 1, 1, 1, 1, 1, 1])
    while len(b.turns(0)) < 3:  # more than one reward
        b.step[0], b.mask[0] = [0, 1, 2, -1, -1, -1, -1, -1], [1, 1, 1, 0, 0, 0, 0, 0]
        b.valid = b.step >= 0
    gain, outcome = gains(b)
    mine = {p: x for p, x in (gain | outcome).items() if p[0] == 0}
    z = standard(list(mine.values()), ddof=0, var_eps=1e-8)
    want = [sum(z), z[1] + z[2], z[2]]
    np.testing.assert_allclose(whole("igpo", b)[0][0, :3], want, rtol=1e-6, atol=1e-9)


def columns(b):
    """The return of each column of each row, the environment's too; 0 after the row."""
    gain, outcome = gains(b)
    reward = np.zeros(b.mask.shape)
    for (i, k), value in (gain | outcome).items():
        reward[i, b.turns(i)[k][-1]] += value
    found = np.zeros(b.mask.shape)
    for i in range(len(b.mask)):
        for t in range(b.mask.shape[1]):
            found[i, t] = sum(reward[i, u] for u in range(t, b.mask.shape[1]))
    return found


def test_igpo_first_release():
    """Returns of tokens less the mean of their column, which tools stand in too."""
    b = episodes(1, spread=1.2, belief=BELIEF, correct=PRM[:, 0])
    assert (b.valid & ~b.mask).any()
    returns, a = columns(b), np.zeros(b.mask.shape)
    for i, tokens in b.rows():
        for t in tokens:
            column = [returns[j, t] for j in b.members(i)]
            a[i, t] = returns[i, t] - sum(column) / len(column)
    agrees("igpo_first_release", b, trained(a, **IGPO), a)


def test_the_environment_carries_the_return():
    """p e p and p p p, a gain of 0.5: the means of the columns are 1.25, 1, 1."""
    b = batch(0)
    b.mask = np.zeros((2, 4), bool)
    b.mask[0, [0, 2]] = b.mask[1, :3] = True
    b.step = np.array([[0, 0, 1, -1], [0, 0, 0, -1]])
    b.valid, b.group = b.step >= 0, np.zeros(2, int)
    for field in ("old", "ref", "logp", "entropy"):
        setattr(b, field, getattr(b, field)[:2, :4])
    b.signals = {"correct": np.ones(2), "belief": np.array([[0, 0.5], [0, 0]])}
    a = whole("igpo_first_release", b)[0]
    assert a.tolist() == [[0.25, 0, 0, 0], [-0.25, 0, 0, 0]]


def returns(b, discount, match=None):
    """r_k + discount R_{k+1}; a turn that matches nothing hands nothing back."""
    found = {}
    for i in range(len(b.mask)):
        later = 0.0
        for k in reversed(range(len(b.turns(i)))):
            goes_on = match is None or match[i, k]
            found[i, k] = b.signals["prm"][i, k] + (discount * later if goes_on else 0)
            later = found[i, k] if goes_on else 0.0
    return found


@pytest.mark.parametrize("name", ["gigpo", "gigpo_like_verl_agent"])
def test_gigpo(name):
    """Whole episodes, once or at each turn, and actions taken in the same state."""
    anchor = np.random.default_rng(3).integers(0, 2, (8, 3))
    b = episodes(2, spread=1.2, prm=PRM, anchor=anchor)
    total = {
        (i, k): sum(PRM[i, j] for j in range(len(b.turns(i))))
        for i in range(8)
        for k in range(len(b.turns(i)))
    }
    group = lambda p: b.group[p[0]]  # noqa: E731
    if name == "gigpo":
        once = standard_in({p: x for p, x in total.items() if p[1] == 0}, group)
        episode = {p: once[p[0], 0] for p in total}
    else:
        episode = standard_in(total, group)
    state = lambda p: (b.group[p[0]], anchor[p])  # noqa: E731
    step = standard_in(returns(b, 0.95), state)
    a = spread(b, {p: episode[p] + step[p] for p in total})
    agrees(name, b, trained(a, **GIGPO), a)


def test_ui_s1():
    """Rewards of turns in their group, and returns among the same turn of others."""
    match = np.random.default_rng(4).integers(0, 2, (8, 3)).astype(bool)
    b = episodes(3, spread=1.2, prm=PRM, match=match)
    back = returns(b, 0.5, match)
    reward = {p: PRM[p] for p in back}
    episode = standard_in(reward, lambda p: b.group[p[0]])
    step = standard_in(back, lambda p: (b.group[p[0]], p[1]))
    a = spread(b, {p: episode[p] + step[p] for p in back})
    agrees("ui_s1", b, trained(a, dual=3.0, kl=1e-4), a)


def test_toolpo():
    """The paper's text: no std, calls paid apart, a mean over rows of token sums."""
    is_call = np.random.default_rng(5).integers(0, 2, (8, 8)).astype(float)
    b = batch(4, action=PRM[:, 1], is_call=is_call)
    a = np.zeros(b.mask.shape)
    for i, tokens in b.rows():
        part = {}
        for name in ("correct", "action"):
            values = [b.signals[name][j] for j in b.members(i)]
            part[name] = b.signals[name][i] - sum(values) / len(values)
        for t in tokens:
            a[i, t] = part["correct"] + is_call[i, t] * part["action"]
    agrees("toolpo", b, trained(a, mean=row_sums), a)


def row_sums(b, losses):
    """The mean over rows of the sum over their tokens."""
    return sum(losses.values()) / sum(1 for _ in b.rows())


FLAWS = np.random.default_rng(12).integers(0, 2, (8, 3)) * 1.0
HEARD = np.random.default_rng(13).random((8, 3)) < 0.7  # turns with a verdict
CRITIC = {"flaws": FLAWS, "flaws_valid": HEARD}


def outcome_in_units(b):
    """z(R) of each row that has a token, by its group."""
    rows = {i: b.signals["correct"][i] for i, _ in b.rows()}
    return standard_in(rows, lambda i: b.group[i])


def test_critic_search():
    """z(R) + 0.25 z(Good), Good being 1 - flaws, over the group's turns with one."""
    b = episodes(3, spread=0.8, **CRITIC)
    turns = [(i, k) for i, _ in b.rows() for k in range(len(b.turns(i)))]
    good = {p: 1 - FLAWS[p] for p in turns if HEARD[p]}
    assert 2 < len(good) < len(turns)
    verdict, row = standard_in(good, lambda p: b.group[p[0]]), outcome_in_units(b)
    a = spread(b, {p: row[p[0]] + 0.25 * verdict.get(p, 0) for p in turns})
    agrees("critic_search", b, trained(a, kl=0.001), a)


@pytest.mark.parametrize("said", [0.0, 1.0, None])
def test_a_critic_that_always_says_the_same_leaves_grpo(said):
    """All turns bad, all good, or none of which it says anything."""
    flaws = np.full((8, 3), np.nan if said is None else said)
    heard = np.full((8, 3), said is not None)
    b = episodes(3, spread=0.8, flaws=flaws, flaws_valid=heard)
    got, *_ = whole("critic_search", b)
    np.testing.assert_array_equal(got, whole("grpo", b)[0])
    assert got.any()
