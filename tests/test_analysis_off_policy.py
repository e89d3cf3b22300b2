"""How far the sampler is from the policy, against loops."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
from surrogates import varied

from rewardlab.analysis.off_policy import effective_sample_size, off_policy_measures

pytestmark = pytest.mark.usefixtures("x64", "strict_ranks")
seeds = pytest.mark.parametrize("seed", [0, 1, 2])


@seeds
def test_off_policy_measures(seed):
    """Against loops; no tokens give numbers."""
    case = varied(seed)
    logp, sampler = jnp.asarray(case.logp), jnp.asarray(case.old)
    got = off_policy_measures(logp, sampler, jnp.asarray(case.mask))
    rows, gaps = {i: (0.0, 0.0, 0.0) for i in range(len(case.mask))}, []
    for i, ts in case.rows():
        own, other = (
            sum(float(x[i, t]) for t in ts) / len(ts) for x in (case.logp, case.old)
        )
        rows[i] = own, other, sum(case.gap(i, t) for t in ts)
        gaps += [case.gap(i, t) for t in ts]
    apart = [other - own for own, other, _ in rows.values()]
    n, tokens = len(rows), len(gaps)
    want = {
        "training_ppl": sum(math.exp(-own) for own, _, _ in rows.values()) / n,
        "rollout_log_ppl": -sum(other for _, other, _ in rows.values()) / n,
        "kl": -sum(gaps) / tokens,
        "k3_kl": sum(math.exp(q) - q - 1 for q in gaps) / tokens,
        "log_ppl_abs_diff": sum(map(abs, apart)) / n,
        "log_ppl_diff_max": max(apart),
        "log_ppl_diff_min": min(apart),
        "ppl_ratio": sum(map(math.exp, apart)) / n,
        "chi2_token": sum(math.exp(2 * q) for q in gaps) / tokens - 1,
        "chi2_seq": sum(math.exp(2 * q) for _, _, q in rows.values()) / n - 1,
    }
    for name, number in want.items():
        assert float(got[name]) == pytest.approx(number, rel=1e-12), name
    none = off_policy_measures(logp, sampler, jnp.zeros(case.mask.shape, bool))
    assert all(np.isfinite(float(x)) for x in none.values())


def test_effective_sample_size():
    """Weights 1 and 3 within 1/4 and 4: (2)^2 / ((1 + 9) / 2) = 0.8; equal: 1."""
    mask = jnp.asarray([[True, True, False]])
    weight = jnp.asarray([[1.0, 3.0, jnp.nan]])
    assert float(effective_sample_size(weight, mask, 4.0)) == pytest.approx(0.8)
    assert float(effective_sample_size(0 * weight + 1, mask)) == pytest.approx(1)
    assert float(effective_sample_size(weight, mask & False)) == 0
