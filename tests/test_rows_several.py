"""Rows of several outcomes a completion, whole, by name."""

import numpy as np
from row_oracles import centred, on_tokens, plain
from rows import agrees, batch, trained

FORMAT = np.array([1.0, 1, 0, 1, 0, 1, 1, 0])


def test_gdpo():
    """Each reward in its group's spread, their sum in the batch's; TRL's 0.04 of k3."""
    b = batch(0, format=FORMAT)
    both = centred(b, b.signals["correct"], 1e-4) + centred(b, FORMAT, 1e-4)
    a = on_tokens(b, (both - both.mean()) / (np.std(both, ddof=1) + 1e-4))
    agrees("gdpo", b, trained(a, kl=0.04, most=np.inf), a)


def test_gdpo_like_verl():
    """Their sum whitened over tokens; that fork pays 0.001 of the entropy."""
    b = batch(1, format=FORMAT)
    both = centred(b, b.signals["correct"], 1e-6) + centred(b, FORMAT, 1e-6)
    numbers = np.repeat(both, b.mask.sum(axis=1))
    white = (both - numbers.mean()) / np.sqrt(numbers.var(ddof=1) + 1e-8)
    a = on_tokens(b, white)
    agrees("gdpo_like_verl", b, trained(a, entropy=0.001), a)


def test_kimi_length():
    """1/2 - (n - least) / (most - least) more, but no bonus if wrong; sums of rows."""
    b = batch(2)
    rewards, lengths = b.signals["correct"].copy(), b.mask.sum(axis=1)
    for i, right in enumerate(b.signals["correct"]):
        group = lengths[b.members(i)]
        bonus = 0.5 - (lengths[i] - group.min()) / (group.max() - group.min())
        rewards[i] += bonus if right else min(bonus, 0)
    a = on_tokens(b, centred(b, rewards))
    agrees("kimi_length", b, plain(a, lambda b, x: sum(x.values()) / 8), a)
