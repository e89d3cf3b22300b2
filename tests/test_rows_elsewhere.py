"""Rows whose completions somebody helped to write, whole, by name.

Written from vaskar-open-source-research/guide_rl and ElliottYan/LUFFY.
"""

import numpy as np
from rows import (
    against_group,
    agrees,
    batch,
    over_limit,
    sequence_mean,
    trained,
)

LAST = np.array([0, 0, 0, 0, 1, 1, 1, 1]) > 0
ONE = np.array([0, 0, 0, 1, 0, 0, 0, 1]) > 0


def helped(a, rows, f, usual, mean):
    """An oracle: -A f on the rows, and PPO's loss on the others."""

    def oracle(b):
        losses = {}
        for i, tokens in b.rows():
            for t in tokens:
                ratio = np.exp(b.logp[i, t] - b.old[i, t])
                own = usual(a[i, t], ratio)
                losses[i, t] = -a[i, t] * f(i, ratio) if rows[i] else own
        return mean(b, losses)

    return oracle


def ppo(a, ratio, high=0.2):
    return max(-a * ratio, -a * min(max(ratio, 0.8), 1 + high))


def test_guide_grpo():
    """Prompt 1 was sampled with a hint; gamma is the 0.9-quantile of the row, padding
    included, and nothing flows through it."""
    b = batch(5, hinted=LAST)
    a = against_group(b, b.signals["correct"], 1e-6)
    gap = np.where(b.mask, b.logp - b.old, 0)
    gamma = np.quantile(np.exp(gap), 0.9, axis=1)
    f = lambda i, r: r / (r + gamma[i])  # noqa: E731
    agrees("guide_grpo", b, helped(a, LAST, f, ppo, sequence_mean), a)


def test_luffy():
    """Of each prompt's four rows the last is an expert's, whose `logp` is 0."""
    b = batch(6, expert=ONE)
    b.old[ONE] = 0
    a = against_group(b, b.signals["correct"])
    far = lambda a, r: ppo(a, r, 99.0)  # noqa: E731
    f = lambda i, r: r / (r + 0.1)  # noqa: E731
    agrees("luffy", b, helped(a, ONE, f, far, over_limit), a)


def test_luffy_split():
    """The mean is that of the own rows."""
    b = batch(6, expert=ONE)
    b.old[ONE] = 0
    a, correct = np.zeros(b.mask.shape), b.signals["correct"]
    for i, _ in b.rows():
        own = [correct[j] for j in b.members(i) if not ONE[j]]
        a[i] = correct[i] - np.mean(own)
    far = lambda a, r: ppo(a, r, 99.0)  # noqa: E731
    f = lambda i, r: r / (r + 0.1)  # noqa: E731
    agrees("luffy_split", b, helped(a, ONE, f, far, over_limit), a)


def test_expo():
    """Hinted rows that are right are imitated, and have no other gradient."""
    b = batch(8, hinted=LAST)
    a = against_group(b, b.signals["correct"], 1e-6)

    def oracle(b):
        losses = {}
        for i, tokens in b.rows():
            for t in tokens:
                ratio = np.exp(b.logp[i, t] - b.old[i, t])
                told = -0.04 * b.logp[i, t] * (b.signals["correct"][i] > 0.5)
                losses[i, t] = told - a[i, t] if LAST[i] else ppo(a[i, t], ratio)
        return sequence_mean(b, losses)

    agrees("expo", b, oracle, a)


def test_recalled_rows_of_spear():
    """They have the advantage that they came with, by the weight of the moment."""
    back = np.array([0, 0, 0, 0, 1, 0, 1, 0]) > 0
    marks = {"recalled": np.where(back, 0.6, 0), "recalled_valid": back}
    b = batch(9, calls=np.zeros(8), born=np.where(LAST, -3, 0), **marks)
    b.mask[LAST & ~back] = False
    b.signals["correct"] = np.array([1.0, 0, 0, 1, 1, 0, 1, 0])
    a = against_group(b, b.signals["correct"])
    a[LAST] = 0.0  # cosine(0, 1, 200) at iteration 0
    agrees("spear", b, lambda b: trained(a, over_limit, high=0.28)(b), a)
