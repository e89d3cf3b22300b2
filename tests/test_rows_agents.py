"""Rows of several agents, whole, by name.

Written from langfengQ/DrMAS, PrimeIntellect-ai/prime-rl, spiral-rl/spiral,
ltjed/multiagent-coaching and bhai114/ccpo; `m_grpo` from its formula, with the numbers
of AQ-MedAI/MrlX.
"""

import numpy as np
import pytest
from rows import agrees, episodes, sequence_mean, trained
from test_rows_states import by_turn, centred
from test_rows_turns import row_sums, spread, standard_in

AGENT = np.arange(3)[None].repeat(8, axis=0) % 2
PRM = np.random.default_rng(21).normal(size=(8, 3))


def turns_of(b):
    return [(i, k) for i in range(8) for k in range(len(b.turns(i)))]


def test_dr_mas():
    """The outcome on each turn, in standard units of its agent in the group."""
    b = episodes(2, spread=1.2, agent=AGENT)
    paid = {p: b.signals["correct"][p[0]] for p in turns_of(b)}
    z = standard_in(paid, lambda p: (b.group[p[0]], AGENT[p]))
    alone = {p for p in paid if sum(_same(b, p, q) for q in paid) == 1}
    a = spread(b, {p: 0 if p in alone else x for p, x in z.items()})
    agrees("dr_mas", b, trained(a, dual=3.0), a)


def _same(b, p, q):
    return b.group[p[0]] == b.group[q[0]] and AGENT[p] == AGENT[q]


WHO = np.array([[1, 0, 1], [0, 0, 1], [1, 1, 0], [0, 1, 0]] * 2)  # 1 leads


def trajectories(b):
    """The places of each: an episode's turns of the main agent, a sub-agent's call."""
    found = []
    for i in range(8):
        main, call, turns = [], [], range(len(b.turns(i)))
        for k in turns:
            if WHO[i, k] == 1:
                main, call = [*main, (i, k)], []
                continue
            call.append((i, k))
            if k + 1 not in turns or WHO[i, k + 1] == 1:
                found.append(tuple(call))
        found += [tuple(main)] if main else []
    return found


def test_m_grpo():
    """The form and the outcome, less half a flaw of a call; every trajectory is one."""
    rng, b = np.random.default_rng(26), episodes(2, spread=0.8, agent=WHO)
    zero = np.zeros((8, 3))
    weight, form, flaws, heard = zero.copy(), zero.copy(), zero * np.nan, zero > 0
    reward = {}
    for places in trajectories(b):
        kept, wrong, known = rng.integers(0, 2, 3)
        known &= WHO[places[0]] == 0
        for p in places:
            weight[p], form[p], heard[p] = 1 / len(places), kept, known
            flaws[p] = wrong if known else np.nan
        outcome = b.signals["correct"][places[0][0]]
        reward[places] = 0.1 * kept + 0.9 * outcome - 0.5 * wrong * known
    b.signals |= {"trajectory_weight": weight, "trajectory_format": form}
    b.signals |= {"subtask_flaws": flaws, "subtask_flaws_valid": heard}
    assert {len(c) for c in reward} == {1, 2}
    kind = lambda c: (b.group[c[0][0]], WHO[c[0]])  # noqa: E731
    z = standard_in(reward, kind)
    lone = {c for c in reward if sum(kind(d) == kind(c) for d in reward) == 1}
    a = spread(b, {p: 0 if c in lone else z[c] for c in reward for p in c})
    agrees("m_grpo", b, trained(a, sequence_mean, high=0.28), a)


def test_hierarchical_grpo():
    """Turns less the mean of their peers; alone 0."""
    peers = np.where(AGENT == 1, 2 * (1 + np.arange(8)[:, None]) + 1, 0)
    b = episodes(3, prm=PRM, peers=peers)
    paid = {p: PRM[p] for p in turns_of(b)}
    a = spread(b, centred(paid, lambda p: (b.group[p[0]], peers[p])))
    agrees("hierarchical_grpo", b, trained(a), a)


def test_rae():
    """Turn after turn, against the mean of the role's past."""
    b, past, credit = episodes(1, agent=AGENT), [0.0, 0.0], {}
    for p in turns_of(b):
        reward, who = b.signals["correct"][p[0]], AGENT[p]
        credit[p] = reward - past[who]
        past[who] = 0.95 * past[who] + 0.05 * reward
    a = spread(b, credit)

    def oracle(b):
        losses = {
            (i, t): -a[i, t] * b.logp[i, t] for i, tokens in b.rows() for t in tokens
        }
        return row_sums(b, losses)

    agrees("rae", b, oracle, a)


def test_marti():
    """Quality of earlier turns, then standard units of the agent in the group."""
    right = np.random.default_rng(22).integers(0, 2, (8, 3)).astype(float)
    b, paid = episodes(2, attempt=right, agent=AGENT), {}
    for i, k in turns_of(b):
        r = right[i, k]
        paid[i, k] = r
        if k:
            q = right[i, :k].mean()
            paid[i, k] = r + 0.5 * (q * r - (1 - q) * (1 - r))
    z = standard_in(paid, lambda p: (b.group[p[0]], AGENT[p]))
    alone = {p for p in paid if sum(_same(b, p, q) for q in paid) == 1}
    a = spread(b, {p: 0 if p in alone else x for p, x in z.items()})
    agrees("marti", b, trained(a), a)


def test_mappa():
    """-2.5 a flaw at an action's end, -0.01 (log pi - log ref), up to that end."""
    flaws = np.random.default_rng(23).integers(0, 5, (8, 3)).astype(float)
    b = episodes(1, flaws=flaws)
    back = np.zeros(b.mask.shape)
    for i in range(8):
        for k, turn in enumerate(b.turns(i)):
            later = 0.0
            for t in turn[::-1]:
                later += -0.01 * (b.old[i, t] - b.ref[i, t])
                later += -2.5 * flaws[i, k] if t == turn[-1] else 0
                back[i, t] = later
    flat = back[b.mask]
    a = np.where(b.mask, (back - flat.mean()) / flat.std(), 0)
    agrees("mappa", b, trained(a), a)


def compared_by_agent(b, paid):
    """Less the mean of the agent's turns in the group; a turn alone has 0."""
    return centred(paid, lambda p: (b.group[p[0]], AGENT[p]))


@pytest.mark.parametrize("name", ["ccpo", "ccpo_own_solo"])
def test_ccpo(name):
    """The thinker's turns are paid for an event, or for the difference."""
    solo = np.array([0.0, 1, 0, 0, 1, 0, 1, 1])
    b, paid = episodes(2, spread=0.01, agent=AGENT, solo=solo), {}
    right = b.signals["correct"]
    for i, k in turns_of(b):
        rows = [i] if name == "ccpo_own_solo" else b.members(i)
        known = [solo[j] for j in rows if b.mask[j].any()]
        mean, r = sum(known) / len(known), right[i]
        event = int(r > 0.5 > mean) - int(r < 0.5 < mean)
        bonus = event if name == "ccpo" else r - mean
        paid[i, k] = r + (0.1 * bonus if AGENT[i, k] == 0 else 0)
    a = spread(b, compared_by_agent(b, paid))
    agrees(name, b, by_turn(a, 3e-4, 4e-4, sequence_mean), a)


def test_sepo():
    """Shares of the two agents, less their means, are credit or blame."""
    rng = np.random.default_rng(24)
    own, peer = rng.integers(1, 10, (2, 8, 3)) / 10
    ratings = {"self_rating": own, "peer_rating": peer}
    b, share = episodes(2, spread=0.01, agent=AGENT, **ratings), {}
    for i in range(8):
        turns = range(len(b.turns(i)))
        by = {m: [k for k in turns if AGENT[i, k] == m] for m in (0, 1)}
        rated = 0.3 * own[i] + 0.7 * peer[i]
        mean = {m: rated[ks].mean() for m, ks in by.items() if ks}
        share |= {(i, k): mean[AGENT[i, k]] / sum(mean.values()) for k in turns}
    bonus, paid = compared_by_agent(b, share), {}
    for i, k in turns_of(b):
        r = b.signals["correct"][i]
        paid[i, k] = r + (0.1 if r > 0.5 else -0.1) * bonus[i, k]
    a = spread(b, compared_by_agent(b, paid))
    agrees("sepo", b, by_turn(a, 3e-4, 4e-4, sequence_mean), a)


def test_sharp():
    """Outcome, marginal and a turn that could be read, in units of the agent."""
    rng = np.random.default_rng(25)
    marginal, read = rng.integers(-1, 2, (8, 3)) / 1.0, rng.integers(0, 2, (8, 3)) / 1.0
    b = episodes(2, agent=AGENT, marginal=marginal, grounding=read)
    paid = {
        p: b.signals["correct"][p[0]] + 0.5 * marginal[p] + 0.5 * read[p]
        for p in turns_of(b)
    }
    z = standard_in(paid, lambda p: (b.group[p[0]], AGENT[p]))
    alone = {p for p in paid if sum(_same(b, p, q) for q in paid) == 1}
    a = spread(b, {p: 0 if p in alone else x for p, x in z.items()})
    agrees("sharp", b, trained(a), a)
