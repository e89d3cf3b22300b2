"""Rows of other libraries, whole, by name."""

import numpy as np
from rows import agrees, batch, ppo, token_mean


def group_advantage(b, eps, ddof=1):
    """(R - mean) / (std + eps) of each row's group."""
    a = np.zeros(b.mask.shape)
    for i, _ in b.rows():
        rewards = [b.signals["correct"][j] for j in b.members(i)]
        mean = sum(rewards) / len(rewards)
        var = sum((r - mean) ** 2 for r in rewards) / (len(rewards) - ddof)
        a[i] = (b.signals["correct"][i] - mean) / (var**0.5 + eps)
    return a


def test_grpo_like_verl():
    """PPO's clip at 0.2 with the dual clip at 3, which is always on, by token."""
    b = batch(0, spread=1.5)
    a = group_advantage(b, 1e-6)

    def oracle(b):
        losses = {
            (i, t): ppo(a[i, t], np.exp(b.logp[i, t] - b.old[i, t]), dual=3.0)
            for i, ts in b.rows()
            for t in ts
        }
        return token_mean(b, losses)

    agrees("grpo_like_verl", b, oracle, a)
