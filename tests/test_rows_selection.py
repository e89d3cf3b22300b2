"""Rows that choose what to learn from, whole, by name.

Written from swtheing/PF-PPO-RLHF, amazon-science/PROF-GRPO and
TencentYoutuResearch/SPEAR, and from the text of RAPO (arXiv 2509.24107).
"""

import math

import numpy as np
from rows import (
    against_group,
    agrees,
    among,
    batch,
    only,
    over_limit,
    sequence_mean,
    token_mean,
    trained,
)

SCORES = np.array([0.5, -1.0, 2.0, 0.25, 1.0, 1.0, -0.5, 0.0])


def test_pf_ppo():
    """The extremes of each prompt, all that share one; averaged row by row."""
    b, rows = batch(1, score=SCORES), [1, 2, 4, 5, 6]
    a = against_group(only(b, rows), SCORES)
    agrees("pf_ppo", b, among(rows, trained(a, sequence_mean)), a)


def test_prof():
    """Two of four rows go, by step scores; then GRPO with verl's terms by token."""
    b = batch(2, spread=1.2)
    b.step = np.minimum(np.arange(8) // 2, 2) * np.ones((8, 1), int)
    prm = np.random.default_rng(3).uniform(size=(8, 3))
    b.signals["prm"] = prm
    steps = {i: sorted({int(b.step[i, t]) for t in ts}) for i, ts in b.rows()}
    mu = np.mean([prm[i, s] for i, own in steps.items() for s in own])
    critic = {}
    for i, own in steps.items():
        sign = 1 if b.signals["correct"][i] == 1 else -1
        critic[i] = sign * np.mean([2 * (prm[i, s] - mu) for s in own])
        critic[i] -= 10 * (len(own) < 2 or len(own) > 30)
    rows = []
    for members in (range(4), range(4, 8)):
        right = sorted((i for i in members if b.signals["correct"][i]), key=critic.get)
        wrong = sorted((i for i in members if i not in right), key=critic.get)
        n = min(2, max(round((len(right) - len(wrong) + 2) / 2), 0))
        rows += right[n:] + wrong[2 - n :]
    assert len(rows) == 4
    a = against_group(only(b, rows), b.signals["correct"], 1e-6)
    oracle = trained(a, token_mean, dual=3.0, kl=0.001, entropy=0.001)
    agrees("prof", b, among(rows, oracle), a)


def test_spear():
    """Of two prompts int(0.75 * 2) stays; no std, and one token of high covariance
    costs nothing."""
    calls = np.array([3.0, 0, 12, 1, 2, 0, 0, 5])
    correct = np.array([1.0, 0, 0, 1, 1, 1, 1, 1])
    b, rows = batch(7, spread=1.5, correct=correct, calls=calls), range(4)
    reward = correct + [min(0.1 * n, 1) for n in calls]  # cosine(1, 0, 200) at 0 is 1
    a = against_group(only(b, rows), reward)
    left = only(b, rows)
    tokens = [(i, t) for i, ts in left.rows() for t in ts]
    mean_a = np.mean([a[p] for p in tokens])
    mean_logp = np.mean([b.logp[p] for p in tokens])
    hit = []
    for p in tokens:
        ratio = math.exp(b.logp[p] - b.old[p])
        clipped = -a[p] * min(max(ratio, 0.8), 1.28) > -a[p] * ratio
        if not clipped and 1 < (a[p] - mean_a) * (b.logp[p] - mean_logp) < 5:
            hit.append(p)
    assert len(hit) == 1, hit

    def mean(b, losses):
        return over_limit(b, {p: loss for p, loss in losses.items() if p not in hit})

    agrees("spear", b, among(rows, trained(a, mean, high=0.28)), a)


def test_rapo():
    """The std over n; all groups over groups with a spread."""
    b = batch(4)
    b.signals["correct"][4:] = 1.0
    a = 2 / 1 * against_group(b, b.signals["correct"], 1e-300, ddof=0)
    a[4:] = 0
    agrees("rapo", b, trained(a), a)
