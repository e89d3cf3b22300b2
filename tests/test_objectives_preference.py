"""Token-level losses of pairs against loops in float64."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rewardlab.core import masked
from rewardlab.objectives import preference
from rewardlab.objectives.preference import Rows

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
        Rows(jnp.asarray(logp), jnp.asarray(ref), mask)
        for (logp, ref, _), mask in zip(numbers, MASKS, strict=True)
    ]


def gap(pair):
    return preference.log_ratio(pair[0]) - preference.log_ratio(pair[1])


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
    want, other = [], []
    for i in range(3):
        good, bad = (reward(side, i, 0.3, lambda d: 1) for side in numbers)
        want.append(math.log1p(math.exp(bad - good)))
        other.append(math.log1p(math.exp(good - bad)))
    wide = gap(sides(numbers))
    np.testing.assert_allclose(preference.dpo_loss(wide, 0.3), want)
    smooth = 0.9 * np.array(want) + 0.1 * np.array(other)
    np.testing.assert_allclose(preference.dpo_loss(wide, 0.3, 0.1), smooth)
    same = [s._replace(ref_logp=s.logp) for s in sides(numbers)]
    np.testing.assert_allclose(preference.dpo_loss(gap(same)), math.log(2))


def test_ipo_and_hinge():
    """The one is least at a gap of 1 / (2 beta), the other from 1 / beta on."""
    h = jnp.array([-1.0, 0.0, 2.0, 5.0, 7.0])
    np.testing.assert_allclose(preference.ipo_loss(h, 0.25), [9, 4, 0, 9, 25])
    np.testing.assert_allclose(preference.hinge_loss(h, 0.2), [1.2, 1, 0.6, 0, 0])


def test_guided():
    """Token weights grow with the guide on chosen and shrink on rejected."""
    numbers = arrays()
    pair = sides(numbers)
    guides = [jnp.asarray(side[2]) for side in numbers]
    for rows, guide, side in zip(pair, guides, numbers, strict=True):
        found = preference.guided(rows, guide, 0.3, 0.7)
        for got, sign in zip(found, (1, -1), strict=True):
            weigh = lambda d, sign=sign: 1 + sign * 0.7 * 0.3 * d  # noqa: E731
            want = [reward(side, i, 1.0, weigh) for i in range(3)]
            np.testing.assert_allclose(got, want)
        plain = preference.log_ratio(rows)
        for got in preference.guided(rows, guide, 0.3, 0.0):
            np.testing.assert_allclose(got, plain)
        for got in preference.guided(rows, rows.ref_logp, 0.3, 0.7):
            np.testing.assert_allclose(got, plain)


def test_t_reg_loss():
    """DPO plus a weighted likelihood of tokens; the weight has no gradient."""
    numbers = arrays()
    rewards = [
        np.asarray(preference.contrast_reward(*RNG.normal(size=(2, 3, 4))))
        for _ in "ab"
    ]
    assert all((np.abs(r) < 0.5).all() for r in rewards)
    pair, beta, alpha = sides(numbers), 0.3, 0.5
    plain = np.asarray(preference.dpo_loss(gap(pair), beta))
    wrong, pull = np.zeros(3), np.zeros(3)
    for i in range(3):
        good, bad = (reward(side, i, beta, lambda d: 1) for side in numbers)
        wrong[i] = 1 / (1 + math.exp(good - bad))
        for side, token in zip(numbers, rewards, strict=True):
            there = ~np.isnan(side[0][i])
            pull[i] += sum(token[i][there] * side[0][i][there])

    def losses(logp, alpha):
        both = [pair[0]._replace(logp=logp), pair[1]]
        pulls = sum(
            masked.total(token * rows.logp, rows.mask)
            for token, rows in zip(rewards, both, strict=True)
        )
        return preference.t_reg_loss(gap(both), pulls, beta, alpha)

    got = losses(pair[0].logp, alpha)
    np.testing.assert_allclose(got, plain - alpha * wrong * beta * pull)
    grad = jax.grad(lambda logp: losses(logp, alpha).sum())(pair[0].logp)
    want = -wrong[:, None] * beta * (1 + alpha * rewards[0])
    np.testing.assert_allclose(grad, np.where(MASKS[0], want, 0), atol=1e-15)
    np.testing.assert_allclose(losses(pair[0].logp, 0.0), plain)
