"""Rows that credit prefixes and segments, and rare successes, whole, by name."""

import numpy as np
from row_oracles import on_tokens
from rows import agrees, batch, token_mean, trained


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
