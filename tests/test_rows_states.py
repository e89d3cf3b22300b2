"""Rows of turns between states, whole, by name.

Written from SiliangZeng/Multi-Turn-RL-Agent (MT-GRPO) and Nala-YN/G2PO; `gagpo` and
`graphgpo`, which have no public code, from their formulas.
"""

import math

import numpy as np
from rows import agrees, batch, episodes, ppo, token_mean, trained
from test_rows_turns import spread, standard, standard_in

ANCHOR = np.random.default_rng(3).integers(0, 2, (8, 3))
NUMBERS = np.random.default_rng(11).uniform(-1, 1, (8, 4))


def z_of_rows(b, x, eps):
    """(x - mean) / (std + eps) of each row's group."""
    found = np.zeros(8)
    for g in (0, 1):
        rows = np.flatnonzero(b.group == g)
        found[rows] = standard([x[i] for i in rows], eps=eps)
    return found


def test_mt_grpo():
    """Before the tool's answer both, then the outcome; without one their sum."""
    used = np.array([1.0, 1, 0, 1, 0, 1, 1, 0])
    b = batch(4, tool_reward=NUMBERS[:, 0], tool_used=used)
    before = b.mask & (np.arange(8) < 3) & (used[:, None] > 0)
    b.signals["before_result"] = before
    correct, tool = b.signals["correct"], b.signals["tool_reward"]
    z, turn = z_of_rows(b, correct, 1e-4), z_of_rows(b, tool, 1e-4)
    both = z_of_rows(b, correct + tool, 1e-4)
    a = np.zeros(b.mask.shape)
    for i, tokens in b.rows():
        for t in tokens:
            a[i, t] = z[i] + before[i, t] * turn[i] if used[i] else both[i]
    agrees("mt_grpo", b, trained(a, kl=0.01), a)


def test_g2po():
    """10 dV among turns of one state and among the prompt's, 10 R among these."""
    b = episodes(2, spread=1.2, anchor=ANCHOR, graph_value=NUMBERS)
    b.signals["grounding"] = np.random.default_rng(5).integers(0, 2, (8, 3)) * 1.0
    lead, gain, outcome = {}, {}, {}
    for i in range(8):
        for k in range(len(b.turns(i))):
            gain[i, k] = 10 * (NUMBERS[i, k + 1] - NUMBERS[i, k])
            outcome[i, k] = 10 * b.signals["correct"][i]
            lead[i, k] = 10 * NUMBERS[i, k + 1] - 0.1 * (
                1 - b.signals["grounding"][i, k]
            )
            lead[i, k] -= 10 * NUMBERS[i, k]  # equal in a state, where they are one
    state = lambda p: (b.group[p[0]], ANCHOR[p])  # noqa: E731
    group = lambda p: b.group[p[0]]  # noqa: E731
    parts = [centred(lead, state), centred(gain, group), centred(outcome, group)]
    a = spread(b, {p: sum(x[p] for x in parts) for p in gain})
    agrees("g2po", b, trained(a, dual=3.0, kl=0.01), a)


def centred(values, key):
    """x - mean of the places with the same key; alone 0."""
    found = {}
    for p in values:
        same = [values[q] for q in values if key(q) == key(p)]
        found[p] = values[p] - sum(same) / len(same)
    return found


def test_graphgpo():
    """Nearness after turns from one state, and the outcome of the row."""
    b = episodes(1, spread=1.2, anchor=ANCHOR, goal_nearness=NUMBERS[:, :3])
    row = z_of_rows(b, b.signals["correct"], 1e-6)
    near = {(i, k): NUMBERS[i, k] for i in range(8) for k in range(len(b.turns(i)))}
    step = standard_in(near, lambda p: (b.group[p[0]], ANCHOR[p]))
    a = spread(b, {p: row[p[0]] + step[p] for p in near})
    agrees("graphgpo", b, trained(a, dual=3.0), a)


def test_gagpo():
    """GAE over turns, in standard units of the group's turns; a turn has one ratio."""
    b = episodes(1, spread=0.8, state_value=NUMBERS[:, :3])
    gae = {}
    for i in range(8):
        later, ahead, reward = 0.0, 0.0, b.signals["correct"][i]
        for k in reversed(range(len(b.turns(i)))):
            value = NUMBERS[i, k]
            later = reward + 0.95 * ahead - value + 0.95 * 0.9 * later
            gae[i, k], ahead, reward = later, value, 0.0
    a = spread(b, standard_in(gae, lambda p: b.group[p[0]]))
    agrees("gagpo", b, by_turn(a, 0.2, 0.2), a)


def by_turn(a, low, high, mean=token_mean):
    """An oracle: PPO's clip with the mean log-ratio of a turn."""

    def oracle(b):
        losses = {}
        for i in range(8):
            for turn in b.turns(i):
                gap = sum(b.logp[i, t] - b.old[i, t] for t in turn)
                ratio = math.exp(gap / max(len(turn), 1))
                losses |= {(i, t): ppo(a[i, t], ratio, low, high) for t in turn}
        return mean(b, losses)

    return oracle
