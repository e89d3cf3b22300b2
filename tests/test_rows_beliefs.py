"""Rows of what the policy knows itself, whole, by name.

Written from RUCBM/LaSeR, longmalongma/TW-GRPO and tinnerhrhe/ROVER.
"""

import numpy as np
from rows import against_group, agrees, batch, token_mean, trained


def test_laser():
    """0.9 of GRPO's advantage and 0.1 of the self-score's, where that tells rows apart.

    An unfinished row counts as 0 in mean and std. Prompt 1 has a std below 0.1. A log p
    of 0 after the end is a score of 2.3, whose squared error costs a tenth.
    """
    score = np.array([0.9, 0.1, 0.4, 0.8, 0.5, 0.52, 0.48, 0.5])
    finished = np.array([1.0, 1, 1, 0, 1, 1, 1, 1])
    b = batch(1, spread=1.5, self_score=score, finished=finished)
    a = against_group(b, b.signals["correct"], 1e-6)
    heard = [s * f for s, f in zip(score[:4], finished[:4], strict=True)]
    mean, std = np.mean(heard), np.std(heard, ddof=1)
    own = a.copy()
    own[:4] = ((score[:4] - mean) / std)[:, None]
    a = 0.9 * a + 0.1 * own
    right, ended = b.signals["correct"], ~b.mask[:, -1]
    off = {(i, t): 0.1 * ended[i] * (2.3 - right[i]) ** 2 for i, t in places(b)}
    usual = trained(a, dual=3.0)
    agrees("laser", b, lambda b: usual(b) + token_mean(b, off), a)


def test_tw_grpo():
    """GRPO with 1e-4 beside the std, each token by its importance, by token."""
    weight = np.random.default_rng(2).uniform(1, 1.7, (8, 8))
    b = batch(2, importance=weight)
    a = against_group(b, b.signals["correct"], 1e-4) * weight
    agrees("tw_grpo", b, trained(a), a)


def test_rover():
    """(log pi / pi_old - (r - mean of the group) - the next token's gain)^2, by token;
    the last has none."""
    old = -np.random.default_rng(4).exponential(size=(8, 8))
    b = batch(3, mean_logp=old)
    b.uniform = old + np.random.default_rng(5).normal(size=old.shape)
    a = against_group(b, b.signals["correct"])
    gain = np.where(b.mask, b.uniform - old, 0)
    after = np.pad(gain[:, 1:], ((0, 0), (0, 1)))

    def oracle(b):
        off = b.logp - b.old - a - after
        return token_mean(b, {(i, t): off[i, t] ** 2 for i, t in places(b)})

    agrees("rover", b, oracle, a)


def places(b):
    """(row, position) of every True token."""
    return [(i, t) for i, ts in b.rows() for t in ts]
