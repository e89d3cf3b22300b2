"""Rows of rewards by rule, whole, by name.

Written from qiancheng0/ToolRL, eddycmu/demystify-long-cot, ulab-uiuc/Router-R1,
lilakk/BLEUBERI (TRL 0.17), Yuqi-Zhou/GUI-G1 and mbzuai-oryx/MediX-R1 (EasyR1).
"""

import math

import numpy as np
from rows import (
    against_group,
    agrees,
    batch,
    over_limit,
    ppo,
    sequence_mean,
    trained,
)

RNG = np.random.default_rng(9)
X, Y, Z = RNG.uniform(size=(3, 8))


def test_toolrl():
    """Format and match added; by token, with its verl's entropy bonus, no dual clip."""
    b = batch(1, spread=1.5, format=np.round(X), tool_match=6 * Y - 3)
    a = against_group(b, np.round(X) + 6 * Y - 3, 1e-6)
    agrees("toolrl", b, trained(a, entropy=0.001), a)


def test_cosine_length():
    """2 to 1 for right rows and -10 to 0 for wrong ones at the limit, 8; -10 at it.

    All tokens are the same, so from the second on each is in a 2-gram seen before.
    """
    b = batch(8)
    reward = {}
    for i, ts in b.rows():
        low, high = (1, 2) if b.signals["correct"][i] == 1 else (0, -10)
        wave = (1 + math.cos(math.pi * len(ts) / 8)) / 2
        end = low + (high - low) * wave if len(ts) < 8 else -10
        own = [-0.05 if t and len(ts) > 2 else 0.0 for t in ts]
        own[-1] += end
        reward |= {(i, t): sum(own[t:]) for t in ts}
    assert {len(ts) == 8 for _, ts in b.rows()} == {True, False}
    a = np.zeros(b.mask.shape)
    for i, ts in b.rows():
        group = [reward[j, t] for j, t in reward if j in b.members(i)]
        for t in ts:
            a[i, t] = reward[i, t] - sum(group) / len(group)
    agrees("cosine_length", b, trained(a, sequence_mean), a, **{"hp.size": 2})


def test_router_r1():
    """A broken form costs 1 and voids the rest; old verl's entropy bonus, by token."""
    form = np.array([0.0, -1, 0, 0, 0, 0, -1, 0])
    b = batch(3, form=form, cost=X)
    a = against_group(b, np.where(form < 0, -1, b.signals["correct"]))
    agrees("router_r1", b, trained(a, entropy=0.001), a)


def test_bleuberi():
    """TRL's defaults: 1e-4 beside the std, k3 without bounds at 0.04."""
    b = batch(4, bleu=X)
    b.ref[0, 0] = b.logp[0, 0] + 3.0  # k3 = 16.1, beyond verl's bound
    a = against_group(b, X, 1e-4)
    agrees("bleuberi", b, trained(a, kl=0.04, most=math.inf), a)


def test_gui_g1_boxes():
    """Hit + IoU / 4 + corners / 8, no std, no length of one's own."""
    b = batch(5, hit=np.round(X), overlap=Y, corners=Z)
    a = against_group(b, np.round(X) + 0.25 * Y + 0.125 * Z)
    agrees("gui_g1_boxes", b, trained(a, over_limit), a)


def test_medix_r1():
    """GSPO-token with 3e-4 and 4e-4, held at 3 where A < 0, the mean of rows' means."""
    parts = {"judge": X, "embedding": Y, "modality": np.round(Z), "format": np.round(X)}
    b = batch(6, spread=0.4, **parts)
    b.logp[1] = b.old[1] + 1.5  # a ratio of 4.5
    weights = (0.9 * 0.575, 0.9 * 0.375, 0.9 * 0.05, 0.1)
    reward = sum(w * x for w, x in zip(weights, parts.values(), strict=True))
    reward[1] -= 3.0
    b.signals["format"] = b.signals["format"] - 30.0 * (np.arange(8) == 1)
    a = against_group(b, reward, 1e-6)
    assert a[1, 0] < 0

    def oracle(b):
        losses = {}
        for i, ts in b.rows():
            ratio = math.exp(np.mean([b.logp[i, t] - b.old[i, t] for t in ts]))
            for t in ts:
                losses[i, t] = ppo(a[i, t], ratio, 3e-4, 4e-4, dual=3.0)
        return sequence_mean(b, losses)

    agrees("medix_r1", b, oracle, a)
