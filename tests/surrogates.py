"""Every policy loss as a loop over rows and tokens, in float64.

`per_token(name, case, **options)` gives the loss of each True token: {(row, token): l}.
Nothing outside the mask is read.
"""

import dataclasses
import functools
import math

import numpy as np


@dataclasses.dataclass
class Case:
    """Arrays [N, T] of one batch."""

    logp: np.ndarray
    old: np.ndarray
    advantage: np.ndarray
    mask: np.ndarray

    def rows(self):
        """(row, its True tokens) of rows that have any."""
        for i in range(len(self.mask)):
            tokens = np.flatnonzero(self.mask[i]).tolist()
            if tokens:
                yield i, tokens

    def gap(self, i, t):
        return float(self.logp[i, t]) - float(self.old[i, t])


def varied(seed, spread=0.5):
    """Ragged rows with holes, an empty one, a row of A = 0, NaN outside the mask."""
    rng = np.random.default_rng(seed)
    n, width = 6, 7
    mask = rng.random((n, width)) < 0.7
    mask[seed % n] = False
    old = -rng.exponential(size=(n, width))
    logp = old + rng.normal(0, spread, (n, width))
    advantage = rng.normal(size=(n, 1)) * np.ones((n, width))
    advantage[(seed + 1) % n] = 0
    advantage[(seed + 2) % n] = rng.normal(size=width)  # differs within the row
    outside = [np.where(mask, x, np.nan) for x in (logp, old, advantage)]
    return Case(*outside, mask)


def each(loss):
    """A loss of (case, row, token) at every True token."""

    def of(case, **options):
        return {
            (i, t): loss(case, i, t, **options)
            for i, tokens in case.rows()
            for t in tokens
        }

    return of


def ppo(a, ratio, epsilon, epsilon_high, dual_clip=None):
    high = epsilon if epsilon_high is None else epsilon_high
    worse = max(-a * ratio, -a * min(max(ratio, 1 - epsilon), 1 + high))
    return min(worse, -a * dual_clip) if dual_clip and a < 0 else worse


def mean_gap(case, i):
    tokens = np.flatnonzero(case.mask[i]).tolist()
    return sum(case.gap(i, t) for t in tokens) / len(tokens)


def clipped(case, i, t, epsilon=0.2, epsilon_high=None, dual_clip=None):
    ratio = math.exp(min(max(case.gap(i, t), -20), 20))
    return ppo(case.advantage[i, t], ratio, epsilon, epsilon_high, dual_clip)


def gspo(case, i, t, epsilon=3e-4, epsilon_high=None):
    ratio = math.exp(min(mean_gap(case, i), 10))
    return ppo(case.advantage[i, t], ratio, epsilon, epsilon_high)


def clipped_row(case, i, t, epsilon=0.2, epsilon_high=None):
    """A row is one step here, so this is the loss of steps too."""
    total = sum(case.gap(i, u) for u in np.flatnonzero(case.mask[i]).tolist())
    ratio = math.exp(min(max(total, -20), 20))
    return ppo(case.advantage[i, t], ratio, epsilon, epsilon_high)


def cispo(case, i, t, epsilon=0.2, epsilon_high=None):
    high = epsilon if epsilon_high is None else epsilon_high
    ratio = math.exp(min(max(case.gap(i, t), -20), 20))
    weight = min(max(ratio, 1 - epsilon), 1 + high)
    return -weight * case.advantage[i, t] * case.logp[i, t]


def sapo(case, i, t, tau_pos=1.0, tau_neg=1.05):
    a = case.advantage[i, t]
    tau = tau_pos if a > 0 else tau_neg
    ratio = math.exp(case.gap(i, t))
    return -a * 4 / tau / (1 + math.exp(-tau * (ratio - 1)))


def gmpo(case, epsilon=0.4, epsilon_high=None):
    high = epsilon if epsilon_high is None else epsilon_high
    found = {}
    for i, tokens in case.rows():
        total = 0.0
        for t in tokens:
            s, d = np.sign(case.advantage[i, t]), case.gap(i, t)
            total += s * min(s * d, s * min(max(d, -epsilon), high))
        mean = sum(case.advantage[i, t] for t in tokens) / len(tokens)
        found |= {(i, t): -mean * math.exp(total / len(tokens)) for t in tokens}
    return found


def covariances(case):
    places = [(i, t) for i, tokens in case.rows() for t in tokens]
    a = sum(case.advantage[p] for p in places) / len(places)
    lp = sum(case.logp[p] for p in places) / len(places)
    return {p: (case.advantage[p] - a) * (case.logp[p] - lp) for p in places}


def clip_cov(case, epsilon=0.2, epsilon_high=None, **bounds):
    """All candidates are dropped, so `cov_share` has to be 1 here."""
    assert bounds.get("cov_share") == 1
    low, high = bounds.get("cov_low", 1.0), bounds.get("cov_high", 5.0)
    found = {}
    for p, cov in covariances(case).items():
        value = clipped(case, *p, epsilon, epsilon_high)
        plain = -case.advantage[p] * math.exp(case.gap(*p))
        found[p] = 0.0 if low < cov < high and not value > plain else value
    return found


def kl_cov(case, cov_share=2e-4, cov_kl=1.0):
    cov = covariances(case)
    count = max(int(cov_share * len(cov)), 1) if cov_share else 0
    paying = sorted(cov, key=lambda p: -cov[p])[:count]
    return {
        p: -case.advantage[p] * math.exp(case.gap(*p))
        + (cov_kl * abs(case.gap(*p)) if p in paying else 0)
        for p in cov
    }


def mask_off_policy(case, i, t, off_policy_delta=0.5, **clip):
    near = -mean_gap(case, i) <= off_policy_delta
    return clipped(case, i, t, **clip) * (case.advantage[i, t] >= 0 or near)


def vespo(case, i, t, k_pos=2.0, lambda_pos=3.0, k_neg=3.0, lambda_neg=2.0):
    a = case.advantage[i, t]
    k, lam = (k_pos, lambda_pos) if a >= 0 else (k_neg, lambda_neg)
    tokens = np.flatnonzero(case.mask[i]).tolist()
    log_w = sum(min(max(case.gap(i, u), -20), 20) for u in tokens)
    log_w = min(max(log_w, math.log(1e-8)), 20)
    return -math.exp(lam + k * log_w - lam * math.exp(log_w)) * a * case.logp[i, t]


def binary_kl(b, p):
    """KL of two coins, nats; their chances are held within 1e-8 of 0 and 1."""
    b, p = (min(max(x, 1e-8), 1 - 1e-8) for x in (b, p))
    return b * math.log(b / p) + (1 - b) * math.log((1 - b) / (1 - p))


def keeps(case, i, t, low, high, divergence="tv"):
    """Whether the token's update would not carry it beyond the bound of its side."""
    p, b = math.exp(case.logp[i, t]), math.exp(case.old[i, t])
    moved = abs(p - b) if divergence == "tv" else binary_kl(b, p)
    if case.advantage[i, t] > 0:
        return not (p > b and moved > high)
    return not (p < b and moved > low)


def dppo(case, i, t, low=0.15, high=0.15, divergence="tv", cap=10.0):
    weight = min(math.exp(case.gap(i, t)), cap)
    kept = keeps(case, i, t, low, high, divergence)
    return -case.advantage[i, t] * weight * case.logp[i, t] * kept


def dppo_ratio(case, i, t, low=0.2, high=0.2, drift=0.0):
    gap = case.gap(i, t)
    kept = keeps(case, i, t, low, high)
    return -case.advantage[i, t] * math.exp(gap) * kept + drift * gap**2


def reinforce(case, i, t):
    return -case.advantage[i, t] * case.logp[i, t]


ORACLES = {
    "clipped": each(clipped),
    "clipped_row": each(clipped_row),
    "clipped_steps": each(clipped_row),
    "clipped_turns": each(functools.partial(gspo, epsilon=0.2)),
    "clipped_turns_token": each(
        functools.partial(gspo, epsilon=3e-3, epsilon_high=4e-3)
    ),
    "gspo": each(gspo),
    "gspo_token": each(gspo),
    "cispo": each(cispo),
    "sapo": each(sapo),
    "gmpo": gmpo,
    "clip_cov": clip_cov,
    "kl_cov": kl_cov,
    "mask_off_policy": each(mask_off_policy),
    "vespo": each(vespo),
    "dppo": each(dppo),
    "dppo_ratio": each(dppo_ratio),
    "dppo_top_k": each(dppo),  # of one token; more: tests/test_objectives_top_k.py
    "reinforce": each(reinforce),
    "guided": each(clipped),  # rows that nobody helped: tests/test_objectives_guided.py
}
# Some options for each loss: defaults and others.
OPTIONS = {
    "clipped": [{}, {"epsilon": 0.1, "epsilon_high": 0.3, "dual_clip": 1.5}],
    "clipped_row": [{}, {"epsilon": 0.5, "epsilon_high": 1.5}],
    "clipped_steps": [{}, {"epsilon": 0.1, "epsilon_high": 0.3}],
    "clipped_turns": [{}, {"epsilon": 0.1, "epsilon_high": 0.3}],
    "clipped_turns_token": [{}, {"epsilon": 0.1, "epsilon_high": 0.3}],
    "gspo": [{}, {"epsilon": 0.2, "epsilon_high": 0.28}],
    "gspo_token": [{}, {"epsilon": 0.2, "epsilon_high": 0.28}],
    "cispo": [{}, {"epsilon": 1.0, "epsilon_high": 0.5}],
    "sapo": [{}, {"tau_pos": 2.0, "tau_neg": 3.0}],
    "gmpo": [{}, {"epsilon": 0.1, "epsilon_high": 0.2}],
    "clip_cov": [
        {"cov_share": 1},
        {"cov_share": 1, "cov_low": 0.05, "cov_high": 0.5, "epsilon": 0.3},
    ],
    "kl_cov": [{}, {"cov_share": 0.3, "cov_kl": 0.1}, {"cov_share": 0}],
    "mask_off_policy": [{}, {"off_policy_delta": 0.0, "epsilon": 0.3}],
    "vespo": [{}, {"k_pos": 1.0, "lambda_pos": 2.0, "k_neg": 4.0, "lambda_neg": 0.5}],
    "dppo": [
        {},
        {"low": 0.05, "high": 0.3, "cap": 1.1},
        {"low": 0.01, "high": 0.02, "divergence": "kl"},
        {"low": math.inf, "high": math.inf},
    ],
    "dppo_ratio": [{}, {"low": 0.05, "high": 0.1, "drift": 0.3}],
    "reinforce": [{}],
    "guided": [{}, {"epsilon": 0.1, "epsilon_high": 0.3}],
}
OPTIONS["dppo_top_k"] = OPTIONS["dppo"]
