"""Token-level losses of pairs against loops in float64."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rewardlab.objectives import preference
from rewardlab.objectives.preference import Side

pytestmark = pytest.mark.usefixtures("x64")
RNG = np.random.default_rng(3)
MASKS = [np.arange(4) < np.array(n)[:, None] for n in ([4, 2, 0], [1, 4, 3])]


def arrays(poison=np.nan):
    """Three pairs: a policy, a reference and a guide a side; NaN off the mask."""
    return [
        [np.where(mask, -RNG.exponential(size=(3, 4)), poison) for _ in range(3)]
        for mask in MASKS
    ]


def sides(numbers):
    return [
        Side(jnp.asarray(logp), jnp.asarray(ref), mask)
        for (logp, ref, _), mask in zip(numbers, MASKS, strict=True)
    ]


def reward(numbers, i, beta, weigh):
    logp, ref, guide = (x[i] for x in numbers)
    there = ~np.isnan(logp)
    return sum(
        beta * weigh(guide[t] - ref[t]) * (logp[t] - ref[t])
        for t in np.flatnonzero(there)
    )


def test_dpo_loss():
    """-log sigmoid of the difference of implicit rewards; log 2 at the reference."""
    numbers = arrays()
    want = []
    for i in range(3):
        good, bad = (reward(side, i, 0.3, lambda d: 1) for side in numbers)
        want.append(math.log1p(math.exp(bad - good)))
    np.testing.assert_allclose(preference.dpo_loss(*sides(numbers), 0.3), want)
    same = [s._replace(ref_logp=s.logp) for s in sides(numbers)]
    np.testing.assert_allclose(preference.dpo_loss(*same), math.log(2))


def test_tgdpo_loss():
    """Token weights grow with the guide on chosen and shrink on rejected."""
    numbers = arrays()
    guides = [jnp.asarray(side[2]) for side in numbers]
    want = []
    for i in range(3):
        good = reward(numbers[0], i, 0.3, lambda d: 1 + 0.7 * 0.3 * d)
        bad = reward(numbers[1], i, 0.3, lambda d: 1 - 0.7 * 0.3 * d)
        want.append(math.log1p(math.exp(bad - good)))
    pair = sides(numbers)
    got = preference.tgdpo_loss(*pair, *guides, beta=0.3, alpha=0.7)
    np.testing.assert_allclose(got, want)
    plain = preference.dpo_loss(*pair, 0.3)
    none = preference.tgdpo_loss(*pair, *guides, beta=0.3, alpha=0.0)
    np.testing.assert_allclose(none, plain)
    refs = [side.ref_logp for side in pair]
    same = preference.tgdpo_loss(*pair, *refs, beta=0.3, alpha=0.7)
    np.testing.assert_allclose(same, plain)


def test_t_reg_loss():
    """DPO plus a weighted likelihood of tokens; the weight has no gradient."""
    numbers = arrays()
    rewards = [
        np.asarray(preference.contrast_reward(*RNG.normal(size=(2, 3, 4))))
        for _ in "ab"
    ]
    assert all((np.abs(r) < 0.5).all() for r in rewards)
    pair, beta, alpha = sides(numbers), 0.3, 0.5
    plain = np.asarray(preference.dpo_loss(*pair, beta))
    wrong, pull = np.zeros(3), np.zeros(3)
    for i in range(3):
        good, bad = (reward(side, i, beta, lambda d: 1) for side in numbers)
        wrong[i] = 1 / (1 + math.exp(good - bad))
        for side, token in zip(numbers, rewards, strict=True):
            there = ~np.isnan(side[0][i])
            pull[i] += sum(beta * token[i][there] * side[0][i][there])
    got = preference.t_reg_loss(*pair, *rewards, beta, alpha)
    np.testing.assert_allclose(got, plain - alpha * wrong * pull)

    def total(logp):
        chosen = pair[0]._replace(logp=logp)
        return preference.t_reg_loss(chosen, pair[1], *rewards, beta, alpha).sum()

    grad = jax.grad(total)(pair[0].logp)
    want = -wrong[:, None] * beta * (1 + alpha * rewards[0])
    np.testing.assert_allclose(grad, np.where(MASKS[0], want, 0), atol=1e-15)
    none = preference.t_reg_loss(*pair, *rewards, beta, 0.0)
    np.testing.assert_allclose(none, plain)
