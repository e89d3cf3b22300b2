"""Rows whose policy loss is the method, whole, by name."""

import dataclasses
import math

import numpy as np
import pytest
from row_oracles import centred, each, log_ratio, on_tokens, plain
from rows import LIMIT, agrees, batch, k3, ppo, sequence_mean, token_mean, trained


def standard(b):
    """(R - mean) / (std + 1e-6) of the group, on all tokens."""
    return on_tokens(b, centred(b, b.signals["correct"], 1e-6))


def mean_ratio(b, i):
    """exp of the mean log-ratio of a row."""
    return math.exp(np.mean([log_ratio(b, i, t) for t in np.flatnonzero(b.mask[i])]))


GSPO = {
    "gspo": (3e-4, 4e-4, lambda n: 1),
    "gspo_token": (3e-4, 4e-4, lambda n: 1),
    "luspo": (2e-3, 2.5e-3, lambda n: n),
}


@pytest.mark.parametrize("name", GSPO)
def test_one_ratio_a_row(name):
    """The mean over rows of the clipped geometric mean ratio, times n for LUSPO."""
    low, high, weight = GSPO[name]
    b = batch(0, spread=10 * low)
    a = standard(b)
    worst = [a[i, ts[0]] * (mean_ratio(b, i) - 1) for i, ts in b.rows()]
    assert min(worst) < 0 < high < max(worst)  # some rows are clipped, others not

    def oracle(b):
        rows = [
            weight(len(ts)) * ppo(a[i, ts[0]], mean_ratio(b, i), low, high)
            for i, ts in b.rows()
        ]
        return sum(rows) / len(rows)

    agrees(name, b, oracle, a)


def test_cispo():
    """-min(ratio, 5) A log pi, the weight held; by token."""
    b = batch(1, spread=1.5)
    a = standard(b)
    weight = each(b, lambda i, t: min(math.exp(log_ratio(b, i, t)), 5))
    held = np.zeros(a.shape)
    for p, w in weight.items():
        held[p] = w * a[p]
    assert max(weight.values()) == 5
    agrees("cispo", b, plain(held, token_mean), a)


def test_sapo():
    """-A 4 / tau sigmoid(tau (r - 1)), tau 1 where A > 0 and 1.05 else; by sequence."""
    b = batch(2)
    a = standard(b)

    def oracle(b):
        def token(i, t):
            tau = 1.0 if a[i, t] > 0 else 1.05
            x = tau * (math.exp(log_ratio(b, i, t)) - 1)
            return -a[i, t] * 4 / tau / (1 + math.exp(-x))

        return sequence_mean(b, each(b, token))

    agrees("sapo", b, oracle, a)


def test_gmpo():
    """-A exp(mean of log-ratios that are held within 0.4 on A's own side); rows."""
    b = batch(3)
    a = standard(b)

    def oracle(b):
        total = 0.0
        for i, ts in b.rows():
            s = 1 if a[i, ts[0]] >= 0 else -1
            gaps = [log_ratio(b, i, t) for t in ts]
            held = [s * min(s * d, s * min(max(d, -0.4), 0.4)) for d in gaps]
            total += -a[i, ts[0]] * math.exp(sum(held) / len(ts)) / 8
        return total

    agrees("gmpo", b, oracle, a)


def differing(seed, spread):
    """Four rows that differ, and four of a prompt that is dropped."""
    b = batch(seed, spread, correct=np.array([1.0, 0, 0, 1, 1, 1, 1, 1]))
    return b, lambda b: dataclasses.replace(b, mask=b.mask & (b.group == 0)[:, None])


def covariances(b, a):
    """(A - mean) (log pi - mean) of each token."""
    here = list(each(b, lambda i, t: 0))
    mean_a = np.mean([a[p] for p in here])
    mean_logp = np.mean([b.logp[p] for p in here])
    return {p: (a[p] - mean_a) * (b.logp[p] - mean_logp) for p in here}


def test_clip_cov():
    """Ratios in [0, 2], and 0 on the one open token whose covariance is in (1, 5)."""
    b, kept = differing(6, 1.0)
    rest = kept(b)
    a = standard(rest)
    cov = covariances(rest, a)
    ratio = each(rest, lambda i, t: math.exp(log_ratio(b, i, t)))
    inside = [p for p, c in cov.items() if 1 < c < 5]
    drawn = [p for p in inside if not (a[p] > 0 and ratio[p] > 2)]
    assert len(drawn) == 1 and max(ratio.values()) > 2

    def oracle(b):
        b = kept(b)

        def token(i, t):
            loss = ppo(a[i, t], math.exp(log_ratio(b, i, t)), 1, 1)
            return 0.0 if (i, t) in drawn else loss

        return token_mean(b, each(b, token))

    agrees("clip_cov", b, oracle, a)


def test_kl_cov():
    """-A r, plus |log r| on the one token of most covariance (0.2 % of them, or 1)."""
    b, kept = differing(7, 1.0)
    a = standard(kept(b))
    cov = covariances(kept(b), a)
    pays = max(cov, key=lambda p: cov[p])

    def oracle(b):
        b = kept(b)

        def token(i, t):
            gap = log_ratio(b, i, t)
            return -a[i, t] * math.exp(gap) + abs(gap) * ((i, t) == pays)

        return token_mean(b, each(b, token))

    agrees("kl_cov", b, oracle, a)


def test_vespo():
    """-w^k e^(lam (1 - w)) A log pi by token, w the row's ratio, the weight held."""
    b = batch(8, spread=0.3)
    a = standard(b)
    held = np.zeros(a.shape)
    for i, ts in b.rows():
        log_w = sum(log_ratio(b, i, t) for t in ts)
        log_w = min(max(log_w, math.log(1e-8)), 20)
        k, lam = (2, 3) if a[i, ts[0]] >= 0 else (3, 2)
        held[i] = a[i] * math.exp(lam + k * log_w - lam * math.exp(log_w))
    agrees("vespo", b, plain(held, token_mean), a)


def test_deepseek_v3_2():
    """Rows with A < 0 that the policy left by 0.5 a token are out; r k3 of KL."""
    b = batch(9, spread=1.0)
    b.logp[1] = b.old[1] - 1
    a = on_tokens(b, centred(b, b.signals["correct"]))

    def oracle(b):
        def token(i, t):
            ratio = math.exp(log_ratio(b, i, t))
            left = -math.log(mean_ratio(b, i))
            kept = a[i, t] >= 0 or left <= 0.5
            cost = 1e-3 * ratio * k3(b.ref[i, t] - b.logp[i, t])
            return kept * ppo(a[i, t], ratio) + cost

        return sequence_mean(b, each(b, token))

    agrees("deepseek_v3_2", b, oracle, a)


def weighed(b, f):
    """The standard advantage times f(pi / pi_sampler) of each token."""
    a = standard(b)
    for p in each(b, lambda i, t: 0):
        a[p] *= f(math.exp(b.old[p] - b.signals["sampler_logp"][p]))
    return a


def sampled(seed):
    """A batch whose sampler and trainer differ."""
    b = batch(seed, spread=1.5)
    noise = np.random.default_rng(seed + 100).normal(0, 1.2, b.mask.shape)
    b.signals["sampler_logp"] = b.old + noise
    return b


def test_grpo_tis():
    """verl's loss, dual clip too, times min(pi / pi_sampler, 2)."""
    b = sampled(10)
    a = weighed(b, lambda w: min(w, 2))
    agrees("grpo_tis", b, trained(a, dual=3.0), a)


def test_grpo_mis():
    """Times pi / pi_sampler where that is in [0.5, 5], else 0."""
    b = sampled(11)
    a = weighed(b, lambda w: w if 0.5 <= w <= 5 else 0)
    agrees("grpo_mis", b, trained(a), a)


def test_gui_g1():
    """hit + IoU / 4 + box / 8 less the mean, times the weight, over rows * limit."""
    rng = np.random.default_rng(12)
    names = ("hit", "overlap", "corners", "difficulty")
    b = batch(12, **{name: rng.uniform(size=8) for name in names})
    hit, overlap, corners, weight = (b.signals[name] for name in names)
    a = on_tokens(b, centred(b, hit + overlap / 4 + corners / 8) * weight)
    by_limit = lambda b, losses: sum(losses.values()) / (8 * LIMIT)  # noqa: E731
    agrees("gui_g1", b, trained(a, by_limit), a)


def test_reinforce():
    """-(R - mean) log pi, the mean over rows of their sums."""
    b = batch(13)
    a = on_tokens(b, centred(b, b.signals["correct"]))
    agrees("reinforce", b, plain(a, lambda b, x: sum(x.values()) / 8), a)
