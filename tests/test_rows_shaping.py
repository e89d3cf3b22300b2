"""Rows that bend the score of a reward model, whole, by name: PorUna-byte/PAR."""

import math

import numpy as np
from rows import against_group, agrees, batch, ppo, token_mean

RNG = np.random.default_rng(5)
SCORE, REFERENCES = 2 * RNG.normal(size=8), RNG.normal(size=(8, 10))


def penalised(b):
    """0.01 a token beyond 300 of 512 tokens, as a share of this batch's 8."""
    beyond = [max(len(ts) / 8 - 300 / 512, 0) for _, ts in b.rows()]
    return np.array([s - 5.12 * x for s, x in zip(SCORE, beyond, strict=True)])


def loss(a):
    """PPO's clip, plus 0.005 (exp(x) - x - 1) of x = log pi - log ref, by token."""

    def oracle(b):
        losses = {}
        for i, tokens in b.rows():
            for t in tokens:
                x = b.logp[i, t] - b.ref[i, t]
                losses[i, t] = ppo(a[i, t], math.exp(b.logp[i, t] - b.old[i, t]))
                losses[i, t] += 0.005 * (math.exp(x) - x - 1)
        return token_mean(b, losses)

    return oracle


def test_par():
    """The mean of sigmoid(r - r_ref) over ten references."""
    b = batch(1, score=SCORE, ref_score=REFERENCES)
    r = penalised(b)
    assert (r != SCORE).any()
    shaped = np.mean(1 / (1 + np.exp(-(r[:, None] - REFERENCES))), axis=1)
    a = against_group(b, shaped, 1e-8)
    agrees("par", b, loss(a), a)


def test_running_clip():
    """Within one std (over n) of the mean of all that was seen: here one batch."""
    b = batch(2, score=SCORE)
    r = penalised(b)
    low, high = r.mean() - r.std(), r.mean() + r.std()
    a = against_group(b, np.clip(r, low, high), 1e-8)
    agrees("running_clip", b, loss(a), a)
