"""Rows that credit prefixes and segments, and rare successes, whole, by name."""

import math

import numpy as np
import pytest
from row_oracles import centred, each, log_ratio, on_tokens
from rows import agrees, batch, episodes, slope, token_mean, trained, whole


def test_maxrl():
    """(R - mean) / (mean + 1e-6), where the mean is above 0; verl's two clips."""
    b = batch(0, spread=1.5, correct=np.array([1.0, 0, 0, 1, 0, 0, 0, 1]))
    want = []
    for i, r in enumerate(b.signals["correct"]):
        own = [b.signals["correct"][j] for j in b.members(i)]
        mean = sum(own) / len(own)
        want.append((r - mean) / (mean + 1e-6))
    a = on_tokens(b, want)
    agrees("maxrl", b, trained(a, token_mean, dual=3.0), a)


def test_tempo():
    """(R - mean + V(with t) - V(before t)) / (std + 1e-6); verl's two clips."""
    b = batch(1, spread=1.5)
    rng = np.random.default_rng(7)
    value = rng.random(b.mask.shape)
    correct, a = b.signals["correct"], np.zeros(b.mask.shape)
    mean = np.array([np.mean(correct[b.members(i)]) for i in range(8)])
    b.signals |= {"prefix_value": value, "prompt_value": mean}
    for i, tokens in b.rows():
        std, before = np.std(correct[b.members(i)], ddof=1), mean[i]
        for t in tokens:
            gain, before = value[i, t] - before, value[i, t]
            a[i, t] = (correct[i] - mean[i] + gain) / (std + 1e-6)
    agrees("tempo", b, trained(a, token_mean, dual=3.0), a)


def far(b, a, i, t, low, high):
    """Whether the token's probability has moved on beyond the bound of A's side."""
    rise = math.exp(b.logp[i, t]) - math.exp(b.old[i, t])
    return rise > high if a[i, t] > 0 else rise < -low


def test_dppo():
    """-min(p / b, 10) A log pi, held, of tokens that moved by 0.15 at most."""
    b = batch(2)
    a = on_tokens(b, centred(b, b.signals["correct"]))
    lost = each(b, lambda i, t: far(b, a, i, t, 0.15, 0.15))
    assert any(lost.values()) and not all(lost.values())
    weight = each(b, lambda i, t: min(math.exp(log_ratio(b, i, t)), 10))

    def oracle(b):
        loss = lambda i, t: -weight[i, t] * a[i, t] * b.logp[i, t]  # noqa: E731
        return token_mean(b, each(b, lambda i, t: loss(i, t) * (not lost[i, t])))

    agrees("dppo", b, oracle, a)


def test_dppo_top_k():
    """The same, of tokens whose twenty likeliest moved by 0.15 in total variation."""
    b = batch(2)
    b.logp = np.minimum(b.logp, -0.01)
    a = on_tokens(b, centred(b, b.signals["correct"]))
    rng = np.random.default_rng(9)
    shares = rng.dirichlet(np.ones(20), (2, *b.mask.shape))  # of all but the sampled
    sampled = np.exp(np.stack([b.logp, b.old]))[..., None]
    p, old = np.concatenate([sampled, (1 - sampled) * shares], axis=-1)[..., :20]
    b.among, b.signals["top_logp"] = np.log(p), np.log(old)
    b.signals["top_ids"] = np.zeros(p.shape, int)  # what the policy read there

    def moved(i, t):
        rest = abs(p[i, t].sum() - old[i, t].sum())
        return (
            sum(abs(x - y) for x, y in zip(p[i, t], old[i, t], strict=True)) + rest
        ) / 2

    def gone(i, t):
        rise = b.logp[i, t] - b.old[i, t]
        return moved(i, t) > 0.15 and (rise > 0 if a[i, t] > 0 else rise < 0)

    lost = each(b, gone)
    assert any(lost.values()) and not all(lost.values())
    assert lost != each(b, lambda i, t: far(b, a, i, t, 0.15, 0.15))
    weight = each(b, lambda i, t: min(math.exp(log_ratio(b, i, t)), 10))

    def oracle(b):
        loss = lambda i, t: -weight[i, t] * a[i, t] * b.logp[i, t]  # noqa: E731
        return token_mean(b, each(b, lambda i, t: loss(i, t) * (not lost[i, t])))

    agrees("dppo_top_k", b, oracle, a)


def test_echo():
    """-A p / b within 0.2, 1e-3 (log p / b)^2, and 0.1 of what was answered."""
    b = episodes(3)
    a = on_tokens(b, centred(b, b.signals["correct"]))
    lost = each(b, lambda i, t: far(b, a, i, t, 0.2, 0.2))
    assert any(lost.values()) and not all(lost.values())
    written = b.valid & ~b.mask & b.mask.any(axis=1, keepdims=True)
    assert written.any()

    def oracle(b):
        def loss(i, t):
            gap = log_ratio(b, i, t)
            return -a[i, t] * math.exp(gap) * (not lost[i, t]) + 1e-3 * gap**2

        answered = -b.logp[written].sum() / written.sum()
        return token_mean(b, each(b, loss)) + 0.1 * answered

    got_advantage, got, gradient = whole("echo", b)
    np.testing.assert_allclose(got_advantage, a, rtol=1e-6)
    np.testing.assert_allclose(got, oracle(b), rtol=1e-6)
    inside = np.where(b.mask, gradient, 0)
    np.testing.assert_allclose(inside, slope(oracle, b), rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(
        gradient[~b.mask], -0.1 * written[~b.mask] / written.sum(), atol=1e-9
    )


def test_kpop():
    """GRPO's advantage times p / b, of tokens on which both coins agree within 2."""
    rng = np.random.default_rng(5)
    b = batch(4)
    sampler = b.old + rng.normal(0, 2.5, b.mask.shape)
    sampler = np.minimum(sampler, -1e-4)
    b.signals["sampler_logp"] = sampler
    a = on_tokens(b, centred(b, b.signals["correct"], 1e-6))
    coins = lambda p, q: (  # noqa: E731
        p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))
    )
    dropped = 0
    for i, tokens in b.rows():
        for t in tokens:
            p, q = math.exp(b.old[i, t]), math.exp(sampler[i, t])
            near = max(coins(p, q), coins(q, p)) <= 2.0
            a[i, t] *= p / q if near else 0
            dropped += not near
    assert dropped
    agrees("kpop", b, trained(a, token_mean), a)


def test_poad():
    """Decomposed GAE of 0.99 and 0.95 over turns, whitened by n; PPO's one clip."""
    b = episodes(5)
    value = np.random.default_rng(9).normal(size=b.mask.shape)
    b.signals["value"] = value
    a = np.zeros(b.mask.shape)
    for i, tokens in b.rows():
        ahead = next_value = 0.0
        ends = [turn[-1] for turn in b.turns(i) if turn]
        for t in reversed(tokens):
            g = 0.99 if t in ends else 1.0
            paid = b.signals["correct"][i] if t == tokens[-1] else 0.0
            delta = paid + g * next_value - value[i, t]
            ahead = a[i, t] = delta + g * 0.95 * ahead
            next_value = value[i, t]
    here = a[b.mask]
    a = (a - here.mean()) / math.sqrt(max(here.var(), 1e-8))
    agrees("poad", b, trained(np.where(b.mask, a, 0), token_mean), a)


def test_spo_segment():
    """V(end) - V(begin) of each segment, on its unsure tokens; whitened; PPO."""
    b, rng = batch(6), np.random.default_rng(6)
    segment = np.minimum(np.cumsum(rng.random(b.mask.shape) < 0.4, axis=1), 3)
    value, unsure = rng.random((8, 5)), rng.random(b.mask.shape) < 0.7
    b.signals |= {"segment": segment, "segment_value": value, "uncertain": unsure}
    a = np.zeros(b.mask.shape)
    for i, tokens in b.rows():
        for t in tokens:
            k = segment[i, t]
            a[i, t] = (value[i, k + 1] - value[i, k]) * unsure[i, t]
    here = a[b.mask]
    a = (a - here.mean()) / np.sqrt(here.var(ddof=1) + 1e-8)
    agrees("spo_segment", b, trained(np.where(b.mask, a, 0), token_mean), a, rtol=1e-5)


@pytest.mark.parametrize("name", ["spo_tree", "spo_tree_std"])
def test_spo_tree(name):
    """V(child) - mean of V over its siblings, V the mean of children, or that over
    their std of n; PPO."""
    b = batch(7, spread=0.8)
    b.mask = np.ones((8, 4), bool)
    b.old, b.ref, b.logp = (x[:, :4] for x in (b.old, b.ref, b.logp))
    b.entropy = b.entropy[:, :4]
    b.step = np.repeat([[0, 0, 1, 1]], 8, axis=0)
    first = np.array([0, 0, 0, 1, 0, 1, 1, 2])
    last = np.array([0, 1, 1, 0, 0, 0, 1, 0])
    node = np.stack([first, first, 10 + last, 10 + last], axis=1)
    b.signals["node"] = node
    correct, a = b.signals["correct"], np.zeros((8, 4))
    mean = lambda x: sum(x) / len(x)  # noqa: E731
    for g in (0, 1):
        rows = b.members(4 * g)
        leaf = {
            (f, e): mean([correct[i] for i in rows if (first[i], last[i]) == (f, e)])
            for f, e in {(first[i], last[i]) for i in rows}
        }
        inner = {f: mean([v for (h, _), v in leaf.items() if h == f]) for f, _ in leaf}
        for i in rows:
            f, e = first[i], last[i]
            siblings = [v for (h, _), v in leaf.items() if h == f]
            for at, value, family in (
                (slice(0, 2), inner[f], [*inner.values()]),
                (slice(2, 4), leaf[f, e], siblings),
            ):
                std = np.std(family) + 1e-8 if name == "spo_tree_std" else 1
                a[i, at] = (value - mean(family)) / std
    agrees(name, b, trained(a, token_mean), a)
