"""Numbers at the edge: gaps of 0 and next to 0, no spread, chances of 0."""

import decimal
import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rewardlab import objectives
from rewardlab.analysis.off_policy import off_policy_measures
from rewardlab.core import edges
from rewardlab.models.logprobs import TokenStats, token_entropy
from rewardlab.objectives import pacs
from rewardlab.objectives.correction import token_k3
from rewardlab.reward_models import (
    bradley_terry,
    heron,
    implicit,
    length_heads,
    pal,
    uncertainty,
)
from rewardlab.selection import groups
from rewardlab.testing import from_arrays

GAPS = (1e-6, -1e-6, 1e-3, 0.1, 0.499, -0.499, 0.501, -0.501, 1.0, -3.0, 9.0)
ZERO = jnp.zeros(4)


def exact(gap):
    """exp(x) - 1 - x in 60 digits."""
    with decimal.localcontext(prec=60):
        x = decimal.Decimal(float(np.float32(gap)))
        return float(x.exp() - 1 - x)


class TestDigits:
    """What is small beside 1 is not lost in a difference from 1."""

    @pytest.mark.parametrize(
        "f",
        [edges.excess, token_k3, lambda x: objectives.kl_k3(ZERO[0], x, 20, math.inf)],
    )
    def test_excess(self, f):
        """In float32: x^2 / 2 near 0, and on both sides of where the forms meet."""
        for gap in GAPS:
            got = f(jnp.float32(gap))
            assert float(got) == pytest.approx(exact(gap), rel=2e-6), gap
            slope = jax.grad(f)(jnp.float32(gap))
            assert float(slope) == pytest.approx(math.expm1(gap), rel=2e-6), gap

    def test_k3_by_the_issue(self):
        got = objectives.KL_ESTIMATORS["k3"](jnp.float32(0), jnp.float32(1e-6))
        assert float(got) == pytest.approx(5e-13, rel=1e-5)

    def test_measures_of_a_sampler_that_is_near(self):
        logp, mask = jnp.zeros((1, 1)), np.ones((1, 1), bool)
        found = off_policy_measures(logp, logp - 1e-6, mask)
        assert float(found["k3_kl"]) == pytest.approx(5e-13, rel=1e-5)
        assert float(found["chi2_token"]) == pytest.approx(2e-6, rel=1e-5)
        assert float(found["chi2_seq"]) == pytest.approx(2e-6, rel=1e-5)

    def test_a_sure_pair_still_has_a_loss(self):
        """-log sigmoid(20) is 2.06e-9, in float32 too; so is its slope."""
        loss = lambda r: implicit.cross_entropy(r, jnp.ones(1))[0]  # noqa: E731
        value, slope = jax.value_and_grad(loss)(jnp.full(1, 20.0))
        assert float(value) == pytest.approx(math.exp(-20), rel=1e-5)
        assert float(slope[0]) == pytest.approx(-math.exp(-20), rel=1e-5)
        focal = functools.partial(bradley_terry.focal_loss, gamma=0.5)
        value, slope = jax.value_and_grad(focal)(jnp.float32(20), jnp.float32(0))
        doubt = 2 * math.exp(-20)
        assert float(value) == pytest.approx(doubt**0.5 * doubt / 2, rel=1e-4)
        assert float(slope) == pytest.approx(-1.5 * doubt**1.5 / 2, rel=1e-4)


def kl_cov_penalty(logp):
    mask = np.ones((1, 4), bool)
    rollout = from_arrays(mask, logp=np.zeros((1, 4)))
    loss = objectives.kl_cov(cov_share=1.0, cov_kl=1.0)
    return jnp.sum(loss(TokenStats(logp[None], 0 * logp[None]), rollout, 0.0)[0])


HEADS = jnp.eye(2, 3)
CORNERS = {
    "size": (lambda x: jnp.sum(edges.size(x)), ZERO, 0.0),
    "root": (lambda x: jnp.sum(edges.root(x)), ZERO, 0.0),
    "kl_cov": (kl_cov_penalty, ZERO, 0.0),
    "kl_abs": (lambda x: jnp.sum(objectives.kl_abs(x, ZERO)), ZERO, 0.0),
    "disagreement": (
        lambda x: jnp.sum(uncertainty.value_disagreement(x, ZERO)),
        ZERO,
        0.0,
    ),
    "distance": (lambda x: pal.distance_reward(x, ZERO), ZERO, 0.0),
    "no direction": (lambda x: pal.angle_reward(x, ZERO + 1, 0.0), ZERO, None),
    "equal scores": (
        lambda x: length_heads.correlation(x, jnp.arange(4.0)),
        ZERO + 0.1,
        0.0,
    ),
    "no correlation": (
        lambda x: edges.size(
            length_heads.correlation(x, jnp.array([1.0, -1.0, -1.0, 1.0]))
        ),
        jnp.array([1.0, 1.0, -1.0, -1.0]),
        0.0,
    ),
    "orthogonal heads": (
        lambda x: length_heads.orthogonality_loss(x, HEADS[::-1][:1]),
        HEADS[:1],
        0.0,
    ),
    "heads of 0": (
        lambda x: length_heads.orthogonality_loss(x, HEADS, 0.0),
        0 * HEADS,
        0.0,
    ),
    "group_std": (
        lambda x: jnp.sum(groups.group_std(x, jnp.zeros(4, int), 1)),
        ZERO + 0.1,
        0.0,
    ),
    "pacs": (
        lambda x: pacs.logit_group_std(x, from_arrays(np.ones((4, 1))))[0],
        ZERO + 0.1,
        None,
    ),
    "scale": (lambda x: pal.angle_reward(ZERO + 1, ZERO + 1, x), 200.0, 0.0),
    "undecided": (
        lambda x: heron.hierarchy_loss(x, -x, jnp.zeros(4, int), 0.0)[0],
        ZERO,
        0.0,
    ),
}


class TestGradients:
    """Where a difference is 0 there is no direction to go, and never a NaN."""

    @pytest.mark.parametrize("name", CORNERS)
    def test_corner(self, name):
        f, at, want = CORNERS[name]
        slope = np.asarray(jax.grad(f)(at))
        assert np.isfinite(slope).all()
        if want is not None:
            assert np.array_equal(slope, np.full(slope.shape, want))

    def test_beside_the_corner_it_is_the_plain_function(self):
        x = jnp.array([-2.0, -1e-30, 3.0])
        assert np.array_equal(edges.size(x), np.abs(x))
        assert np.array_equal(jax.grad(lambda x: edges.size(x).sum())(x), [-1, -1, 1])
        assert float(edges.root(jnp.float32(9))) == 3
        assert float(jax.grad(edges.root)(jnp.float32(4))) == 0.25

    def test_chances_of_0(self):
        """Their entropy and divergence add nothing; neither does their gradient."""
        logits = jnp.array([0.0, -jnp.inf])
        assert float(token_entropy(logits)) == 0
        assert np.array_equal(jax.grad(token_entropy)(logits), [0, 0])
        three = jnp.array([1.0, -jnp.inf, 1.0])
        assert float(token_entropy(three)) == pytest.approx(math.log(2))
        assert np.isfinite(jax.grad(token_entropy)(three)).all()
        apart = lambda x: uncertainty.class_disagreement(  # noqa: E731
            jnp.zeros((1, 2)), x[None]
        )[0]
        assert float(apart(logits)) == pytest.approx(math.log(2))
        assert np.isfinite(jax.grad(apart)(logits)).all()
