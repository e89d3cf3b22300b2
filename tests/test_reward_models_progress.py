"""Hops and progress, and weights of a blend learned through the policy they train."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rewardlab.reward_models import bilevel, progress

pytestmark = pytest.mark.usefixtures("x64")
RNG = np.random.default_rng(0)


def test_a_hop_is_a_share_of_what_is_left():
    """From 0.2 to 0.6 is half of the way left; from 0.6 to 0.2 two thirds of it lost;
    the goal is 1, the start -1; nothing left to gain or lose is 0."""
    before = np.array([0.2, 0.6, 0.5, 0.5, 1.0, 0.0])
    after = np.array([0.6, 0.2, 1.0, 0.0, 1.0, 0.0])
    want = [0.5, -2 / 3, 1, -1, 0, 0]
    got = progress.hop(before, after, np.zeros(6), np.ones(6))
    np.testing.assert_allclose(got, want, rtol=1e-12)
    other = progress.hop(
        *(3 * x - 7 for x in (before, after, 0 * before, 1 + 0 * after))
    )
    np.testing.assert_allclose(other, want, rtol=1e-12, atol=1e-12)


def test_hops_are_undone():
    """after_hop inverts hop on [0, 1], and a chain of hops stays inside."""
    before, after = RNG.uniform(size=(2, 100))
    hop = progress.hop(before, after, 0 * before, 1 + 0 * before)
    np.testing.assert_allclose(progress.after_hop(before, hop), after, rtol=1e-12)
    hops = RNG.uniform(-1, 1, (4, 30))
    chain, want = progress.progress_from_hops(np.zeros(4), hops), np.zeros(4)
    for k in range(30):
        gain = np.where(hops[:, k] >= 0, 1 - want, want) * hops[:, k]
        want = want + gain
        np.testing.assert_allclose(chain[:, k], want, rtol=1e-12, atol=1e-15)
    assert (chain >= 0).all() and (chain <= 1).all()


def test_progress_from_both_ends():
    """Three readings that agree give themselves; the goal seen backwards is 1 + H."""
    at = np.array([0.0, 0.3, 1.0])
    forward = progress.hop(0 * at, at, 0 * at, 1 + 0 * at)
    backward = progress.hop(1 + 0 * at, at, 0 * at, 1 + 0 * at)
    got = progress.from_anchors(forward, backward, at)
    np.testing.assert_allclose(got, at, rtol=1e-12)


def test_contradicting_views_move_nothing():
    """w is 1 iff both agree; the update goes half of the way to mean and hop."""
    forward, backward = np.array([[0.6, 0.9]]), np.array([[0.6, 0.1]])
    hops = np.array([[0.5, 0.5]])
    weight = progress.agreement(forward, backward, 2.0, 0.0)
    np.testing.assert_allclose(weight, [[1, np.exp(-2 * (0.8 / 0.5) ** 2)]])
    got = progress.consistent_progress(
        np.array([0.2]), forward, backward, hops, alpha=2.0, eps=0.0
    )
    first = 0.2 + 0.5 * ((0.6 - 0.2) + 0.8 * 0.5)
    second = first + weight[0, 1] / 2 * ((0.5 - first) + (1 - first) * 0.5)
    np.testing.assert_allclose(got, [[first, second]], rtol=1e-12)


def test_milestones_are_a_potential():
    """Two of four reached and half of the third: 5/8; never above 1."""
    assert progress.milestone_potential(jnp.array(2.0), jnp.array(0.5), 4) == 0.625
    assert progress.milestone_potential(jnp.array(4.0), jnp.array(0.5), 4) == 1


def bandit(seed, l2=0.5):
    """A softmax bandit: an inner objective with a regulariser, and the true one."""
    rng = np.random.default_rng(seed)
    primary, auxiliary = rng.normal(size=(2, 4))

    def inner(theta, phi):
        reward = bilevel.blended(phi, primary, auxiliary)
        return jax.nn.softmax(theta) @ reward - l2 / 2 * theta @ theta

    return inner, lambda theta: jax.nn.softmax(theta) @ primary


@pytest.mark.parametrize("seed", range(3))
def test_the_implicit_gradient_is_the_finite_difference(seed):
    """Each weight moved, the inner problem solved again; the constant does nothing."""
    inner, outer = bandit(seed)
    phi, zero = jnp.array([0.3, 1.0, 0.5]), jnp.zeros(4)
    solve = jax.jit(lambda p: bilevel.inner_optimum(inner, p, zero))
    gradient = functools.partial(bilevel.implicit_gradient, inner, outer)
    got = jax.jit(gradient)(phi, solve(phi))
    for k in range(3):
        move = 1e-5 * jnp.eye(3)[k]
        want = (outer(solve(phi + move)) - outer(solve(phi - move))) / 2e-5
        assert abs(got[k] - want) < 1e-8
    assert abs(got[0]) < 1e-15
    many = bilevel.neumann_gradient(inner, outer, phi, solve(phi), 0.5, 300)
    np.testing.assert_allclose(many, got, rtol=1e-9, atol=1e-12)


def test_the_inner_optimum_is_one():
    """The gradient is 0 there and the Hessian negative definite."""
    inner, _ = bandit(0)
    phi = jnp.array([0.0, 1.0, 0.5])
    theta = bilevel.inner_optimum(inner, phi, jnp.zeros(4))
    assert jnp.abs(jax.grad(inner)(theta, phi)).max() < 1e-14
    assert jnp.linalg.eigvalsh(jax.hessian(inner)(theta, phi)).max() < 0
