"""Rows that weigh tokens, whole, by name.

Written from TRL (the 80/20 rule), hf618/VERL, RUCBM/G-OPD, Jinghaoleven/RLFR and
zz-haooo/STEER.
"""

import math

import numpy as np
from rows import agrees, batch, ppo, sequence_mean, token_mean, trained

DRAWS = np.random.default_rng(41)


def standardised(b, eps=1e-6):
    """(R - mean) / (std + eps) of each group, n - 1 in the variance, on each token."""
    a = np.zeros(b.mask.shape)
    for i, tokens in b.rows():
        mine = [b.signals["correct"][j] for j in b.members(i)]
        mean = sum(mine) / len(mine)
        var = sum((r - mean) ** 2 for r in mine) / (len(mine) - 1)
        a[i, tokens] = (b.signals["correct"][i] - mean) / (math.sqrt(var) + eps)
    return a


def test_high_entropy_tokens():
    """A fifth of the batch's tokens learn; the others still count in the mean."""
    entropy = DRAWS.exponential(size=(8, 8))
    b = batch(5, 1.2, entropy=entropy)
    place = 0.8 * (b.mask.sum() - 1)
    ordered = sorted(entropy[b.mask])
    low, share = int(place), place - int(place)
    bound = ordered[low] + share * (ordered[low + 1] - ordered[low])
    a = np.where(entropy >= bound, standardised(b), 0)
    assert ((a > 0) & (b.logp - b.old > math.log(1.2))).any()  # meets the upper bound
    agrees("high_entropy_tokens", b, trained(a, high=0.28), a)


def test_velocity_rank():
    """The last token gains min(max(bonus, 0), |A| / 2)."""
    bonus = DRAWS.normal(size=8)
    b = batch(1, 1.2, rank_bonus=bonus)
    a = standardised(b)
    for i, tokens in b.rows():
        a[i, tokens[-1]] += min(max(bonus[i], 0), abs(a[i, tokens[-1]]) / 2)
    agrees("velocity_rank", b, trained(a, kl=0.001, entropy=0.001), a)


def test_g_opd():
    """-((old - base) - 1.25 (teacher - base)), and verl's two clips."""
    teacher = -DRAWS.exponential(size=(8, 8))
    b = batch(2, 1.2, teacher_logp=teacher)
    a = -((b.old - b.ref) - 1.25 * (teacher - b.ref))
    agrees("g_opd", b, trained(a, dual=3.0), a)


def test_rlfr():
    """Errors of a flow on tokens over 0.6 of the row's range cost 0.01 each.

    The ratio is held at 3, so a loss of A < 0 stops growing there.
    """
    flow = DRAWS.exponential(size=(8, 8))
    b = batch(3, 1.5, flow=flow)
    outcome, a = standardised(b, 1e-9), np.zeros(b.mask.shape)
    for i, tokens in b.rows():
        low, high = (f(flow[i, t] for t in tokens) for f in (min, max))
        wide = high > low
        scaled = {t: (flow[i, t] - low) / (high - low) if wide else 0 for t in tokens}
        cost = {t: -0.01 * x if x > 0.6 else 0.0 for t, x in scaled.items()}
        for t in tokens:
            a[i, t] = outcome[i, t] + sum(c for u, c in cost.items() if u >= t)

    def oracle(b):
        losses = {}
        for i, tokens in b.rows():
            for t in tokens:
                ratio = min(math.exp(b.logp[i, t] - b.old[i, t]), 3.0)
                losses[i, t] = -min(
                    ratio * a[i, t], min(max(ratio, 0.8), 1.2) * a[i, t]
                )
        return sequence_mean(b, losses)

    agrees("rlfr", b, oracle, a)


def test_steer():
    """Each token weighs 1.2 at the least change of entropy and 0.8 at the greatest."""
    b = batch(4, 1.2)
    a, change = standardised(b), {}
    for i, tokens in b.rows():
        for t in tokens:
            p = math.exp(b.logp[i, t])  # above 1 in this batch: held below it
            p, old = min(max(p, 1e-8), 1 - 1e-8), min(math.exp(b.old[i, t]), 1)
            slope = p * (1 - p) * (math.log(p) + b.entropy[i, t])
            change[i, t] = abs(a[i, t] / old * slope)
    low, high = min(change.values()), max(change.values())
    weight = {p: 1.2 - (x - low) / (high - low) * 0.4 for p, x in change.items()}

    def oracle(b):
        losses = {}
        for i, t in change:
            ratio = math.exp(b.logp[i, t] - b.old[i, t])
            losses[i, t] = weight[i, t] * ppo(a[i, t], ratio, 0.2, 0.28, 10.0)
        return token_mean(b, losses)

    agrees("steer", b, oracle, a)
