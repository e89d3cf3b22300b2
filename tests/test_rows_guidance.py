"""A row of rewards on the way, whole, by name: shaping by potentials (Ng et al.)."""

import numpy as np
from rows import agrees, episodes, over_limit, trained

PHI = np.random.default_rng(13).uniform(size=(8, 3))


def test_pbrs():
    """Phi of the next turn less that of this, 0 at the end; returns of turns, less the
    mean over the tokens of the other rows; over the limit."""
    b = episodes(1, potential=PHI)
    returns = {}
    for i, ts in b.rows():
        steps = sorted({int(b.step[i, t]) for t in ts})
        after = [PHI[i, k] for k in steps[1:]] + [0.0]
        pay = [y - PHI[i, k] for k, y in zip(steps, after, strict=True)]
        pay[-1] += b.signals["correct"][i]
        for n, k in enumerate(steps):
            returns |= {(i, t): sum(pay[n:]) for t in ts if b.step[i, t] == k}
    a = np.zeros(b.mask.shape)
    for (i, t), value in returns.items():
        others = [x for (j, _), x in returns.items() if j != i and j in b.members(i)]
        a[i, t] = value - sum(others) / len(others)
    agrees("pbrs", b, trained(a, over_limit), a)
