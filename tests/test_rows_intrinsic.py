"""Rows without a verifier, whole, by name.

Written from PRIME-RL/TTRL, tmlr-group/Co-rewarding (I), amazon-science's Self-Aligned
Reward, trestad/Noisy-Rewards-in-Learning-to-Reason and facebookresearch/oni.
"""

import numpy as np
import pytest
from rows import against_group, agrees, among, batch, only, over_limit, trained

VERL = {"dual": 3.0}


def test_ttrl():
    """All four rows vote, the first two are learned from.

    Of the rows that are learned from, 5 would win in the first prompt; of all, 7 does.
    """
    answer = np.array([5, 7, 7, 7, 2, 3, 3, 2])
    b, rows = batch(1, spread=1.5, answer_id=answer), [0, 1, 4, 5]
    reward = np.array([0.0, 1, 1, 1, 1, 0, 0, 1])  # of a tie the least number
    a = against_group(only(b, rows), reward, 1e-6)
    agrees("ttrl", b, among(rows, trained(a, kl=0.001, **VERL)), a)


def test_co_reward():
    """The other prompt's majority is the label; -1 is no answer."""
    answer = np.array([5, 7, 7, -1, 5, 5, 7, 5])
    partner = np.repeat([1, 0], 4)
    b = batch(2, spread=1.5, answer_id=answer, partner=partner)
    reward = np.array([1.0, 0, 0, 0, 0, 0, 1, 0])  # labels 5 (of prompt 1) and 7
    a = against_group(b, reward, 1e-6)
    agrees("co_reward", b, trained(a, kl=0.005, **VERL), a)


def test_self_aligned():
    """correct + 0.2 (ppl(a) - ppl(a|q)) / ppl(a), at least -1; Dr. GRPO with a KL."""
    blind = -np.random.default_rng(3).exponential(size=(8, 8))
    b = batch(3, spread=1.2, blind_logp=blind)
    reward = b.signals["correct"].copy()
    for i, ts in b.rows():
        asked, alone = (np.exp(-np.mean(x[i, ts])) for x in (b.old, blind))
        reward[i] += 0.2 * max((alone - asked) / (alone + 1e-9), -1)
    a = against_group(b, reward)
    agrees("self_aligned", b, trained(a, over_limit, kl=0.001, **VERL), a, rtol=1e-5)


@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_noisy_grpo(noise):
    """r or 1 - r for whole prompts; old verl's entropy bonus, by token."""
    b = batch(4)
    r = b.signals["correct"]
    a = against_group(b, np.abs(noise - r), 1e-6)
    agrees("noisy_grpo", b, trained(a, entropy=0.001), a, **{"hp.noise": noise})


def test_oni():
    """Messages' scores by running mean and std, none below -0.5, over N(message)^3.

    0.1 of the outcome and 0.4 of these; returns per token at 0.99, less their mean.
    """
    insight = np.random.default_rng(6).normal(size=(8, 3))
    message = np.random.default_rng(7).integers(0, 6, (8, 3))
    b = batch(7, insight=insight, message=message)
    b.step = np.minimum(np.arange(8) // 3, 2) * np.ones((8, 1), int)
    ends = {}
    for i, ts in b.rows():
        for t in ts:
            ends[i, int(b.step[i, t])] = t  # the last True token of each step
    seen = np.array([insight[p] for p in ends])
    n, count = len(seen), 1e-4 + len(seen)
    mean = seen.mean() * n / count
    m2 = 1e-4 + seen.var(ddof=1) * n + seen.mean() ** 2 * 1e-4 * n / count
    pay = np.zeros(b.mask.shape)
    for (i, k), t in ends.items():
        z = (insight[i, k] - mean) / (m2 / count) ** 0.5
        often = sum(message[p] == message[i, k] for p in ends)
        pay[i, t] += 0.4 * (z if z > -0.5 else 0) / often**3
    returns = {}
    for i, ts in b.rows():
        pay[i, ts[-1]] += 0.1 * b.signals["correct"][i]
        for t in ts:
            returns[i, t] = sum(0.99 ** (u - t) * pay[i, u] for u in ts if u >= t)
    a = np.zeros(b.mask.shape)
    for (i, t), value in returns.items():
        a[i, t] = value - np.mean(
            [x for (j, _), x in returns.items() if j in b.members(i)]
        )
    agrees("oni", b, trained(a), a, rtol=1e-5)


PATTERN = np.random.default_rng(5).uniform(size=8)


def test_pattern_for_wrong():
    """A verdict of 0 is worth the pattern's reward."""
    b = batch(5, pattern=PATTERN)
    a = against_group(b, np.where(b.signals["correct"] == 0, PATTERN, 1), 1e-6)
    agrees("pattern_for_wrong", b, trained(a, entropy=0.001), a)


def test_pattern_calibration():
    """Below 0.5: min(score + 0.1 pattern, 1)."""
    score = np.array([0.2, 0.45, 0.5, 0.9, -1.0, 0.3, 0.7, 0.49])
    b = batch(6, pattern=PATTERN, score=score)
    lifted = np.where(score < 0.5, np.minimum(score + 0.1 * PATTERN, 1), score)
    a = against_group(b, lifted, 1e-6)
    agrees("pattern_calibration", b, trained(a, entropy=0.001), a)
