"""Rows of steps and of thinking, whole, by name.

Written from CJReinforce/PURE (main, and its verl branch) and kxfan2002/SophiaVL-R1.
"""

import math

import numpy as np
from rows import agrees, batch, episodes, k3, sequence_mean, trained

DRAWS = np.random.default_rng(11)
PRM = DRAWS.uniform(-1, 1, (8, 3))
SOPHIA = {"kl": 0.04, "most": math.inf, "entropy": 0.001}


def steps(seed, spread=1.2):
    """Rows of steps without an environment."""
    b = episodes(seed, spread, prm=PRM)
    b.mask = b.valid
    return b


def softmin(b):
    """w_k s_k with w = softmax(-s / 0.1) over the steps, on the last token of each."""
    reward = np.zeros(b.mask.shape)
    for i in range(8):
        turns = b.turns(i)
        scores = [PRM[i, k] for k in range(len(turns))]
        weights = [math.exp(-s / 0.1) for s in scores]
        for tokens, s, w in zip(turns, scores, weights, strict=True):
            reward[i, tokens[-1]] = w / sum(weights) * s
    return reward


def suffix_sums(b, reward):
    found = np.zeros(b.mask.shape)
    for i, tokens in b.rows():
        for t in tokens:
            found[i, t] = sum(reward[i, u] for u in tokens if u >= t)
    return found


def others(b, i):
    return [j for j in b.members(i) if j != i]


def test_pure():
    """Returns of the soft minimum, less the average return of the others' tokens."""
    b = steps(0)
    reward = softmin(b)
    for i, tokens in b.rows():
        reward[i, tokens[-1]] += b.signals["correct"][i]
    back, a = suffix_sums(b, reward), np.zeros(b.mask.shape)
    for i, tokens in b.rows():
        total = sum(back[j].sum() for j in others(b, i))
        count = sum(b.mask[j].sum() for j in others(b, i))
        a[i, tokens] = back[i, tokens] - total / count
    agrees("pure", b, trained(a, sequence_mean), a)


def test_pure_openrlhf():
    """Step rewards less the others' rate a token, verdicts less the others', less KL.

    The last tokens of steps learn nothing.
    """
    b = steps(1)
    reward = softmin(b)
    outcome = reward.sum(axis=1)
    for i, tokens in b.rows():
        rate = sum(outcome[j] for j in others(b, i))
        rate /= sum(int(b.mask[j].sum()) for j in others(b, i))
        for turn in b.turns(i):
            reward[i, turn[-1]] -= rate * (len(turn) - 1)
        solved = [b.signals["correct"][j] - 1 for j in others(b, i)]
        verdict = b.signals["correct"][i] - 1 - sum(solved) / len(solved)
        reward[i, tokens[-1]] += verdict
    reward -= 0.001 * (b.old - b.ref)
    a = suffix_sums(b, reward)
    for i in range(8):
        for turn in b.turns(i):
            a[i, turn[-1]] = 0
    agrees("pure_openrlhf", b, trained(a, sequence_mean), a)


def test_pure_verl():
    """The baseline divides by the padded width; then all tokens are whitened."""
    b = steps(2)
    reward = softmin(b)
    for i, tokens in b.rows():
        reward[i, tokens[-1]] += b.signals["correct"][i]
        for t in tokens:
            reward[i, t] -= 0.001 * min(k3(b.ref[i, t] - b.old[i, t]), 10)
    back, a = suffix_sums(b, reward), np.zeros(b.mask.shape)
    for i, tokens in b.rows():
        total = sum(back[j].sum() for j in others(b, i))
        a[i, tokens] = back[i, tokens] - total / (len(others(b, i)) * b.mask.shape[1])
    values = a[b.mask]
    mean = sum(values) / len(values)
    var = sum((x - mean) ** 2 for x in values) / (len(values) - 1)
    a = np.where(b.mask, (a - mean) / math.sqrt(var + 1e-8), 0)
    agrees("pure_verl", b, trained(a), a)


def judged(b, thinking, right=0.5):
    """exp(min(mean of the right rows - mean of the wrong ones, 0)) of each row's group;

    1 where there are no right or no wrong rows.
    """
    found = []
    for i in range(8):
        sides = {True: [], False: []}
        for j in b.members(i):
            sides[bool(b.signals["correct"][j] >= right)].append(thinking[j])
        if not all(sides.values()):
            found.append(1.0)
            continue
        means = {k: sum(v) / len(v) for k, v in sides.items()}
        found.append(math.exp(min(means[True] - means[False], 0)))
    return found


def standardised(b, reward):
    """(R - mean) / (std + 1e-6) of each group, n - 1 in the variance."""
    a = np.zeros(b.mask.shape)
    for i, tokens in b.rows():
        mine = [reward[j] for j in b.members(i)]
        mean = sum(mine) / len(mine)
        var = sum((r - mean) ** 2 for r in mine) / (len(mine) - 1)
        a[i, tokens] = (reward[i] - mean) / (math.sqrt(var) + 1e-6)
    return a


THINKING = np.array([0.1, 0.9, 0.8, 0.2, 0.7, 0.6, 0.3, 0.5])
GRADED = np.array([1.0, 0.3, 0.4, 0.0, 0.95, 1.0, 0.9, 0.92])  # the second group agrees


def test_trust_grpo():
    """The paper's reward; the script's clip once, KL without a bound, and entropy."""
    b = batch(0, 1.2, correct=GRADED, thinking=THINKING)
    trust = judged(b, THINKING)
    assert min(trust) < 1
    reward = [GRADED[i] + 0.3 * trust[i] * THINKING[i] for i in range(8)]
    a = standardised(b, reward)
    agrees("trust_grpo", b, trained(a, **SOPHIA), a)


def test_trust_grpo_released():
    """Answers under 0.2 are not asked for their thinking, nor groups that agree."""
    b = batch(1, 1.2, correct=GRADED, thinking=THINKING)
    asked = [t if c >= 0.2 else 0.0 for t, c in zip(THINKING, GRADED, strict=True)]
    for i in range(8):
        mine = [GRADED[j] for j in b.members(i)]
        if min(mine) >= 0.9 or max(mine) <= 0.1:
            asked[i] = 0.0
    trust = judged(b, asked)
    assert min(trust) < 1
    reward = [GRADED[i] + 0.3 * trust[i] * asked[i] for i in range(8)]
    a = standardised(b, reward)
    agrees("trust_grpo_released", b, trained(a, **SOPHIA), a)
