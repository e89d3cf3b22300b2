"""Scores and errors of a velocity field, and the network that is fitted."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rewardlab.reward_models.flow import begin, velocity, velocity_error, velocity_score

pytestmark = pytest.mark.usefixtures("x64")


def test_velocity_score():
    """A flow that is right scores 0; errors (1, 2, 2) score 4 * 9 / 3 at t = 0.8."""
    hidden, noise = np.random.default_rng(0).normal(size=(2, 4, 3))

    def score(off, time=0.8):
        field = lambda x, told, at: hidden - noise + off  # noqa: E731
        return velocity_score(field, hidden, 0 * hidden, noise, time)

    off = np.array([1.0, -2.0, 2.0])
    np.testing.assert_allclose(score(0), 0, atol=1e-12)
    np.testing.assert_allclose(score(off), 12, rtol=1e-9)
    np.testing.assert_allclose(score(off, 0.5), 3, rtol=1e-9)


def test_the_best_field_of_one_state_points_to_it():
    """v = (h - x) / (1 - t) is what a flow to one state learns: the score is 0."""
    rng = np.random.default_rng(1)
    hidden, noise = np.tile(rng.normal(size=3), (5, 1)), rng.normal(size=(5, 3))
    field = lambda x, told, t: (hidden - x) / (1 - t)  # noqa: E731
    np.testing.assert_allclose(
        velocity_score(field, hidden, hidden, noise), 0, atol=1e-9
    )


def test_the_network_is_0_at_first_and_has_a_gradient():
    """Which is that of central differences, once it is not 0 any more."""
    rng = np.random.default_rng(2)
    net = begin(jax.random.key(0), 4, 6, 2, 2)
    hidden, told, noise = rng.normal(size=(3, 5, 2, 4))
    time = rng.uniform(size=(5, 2, 1))
    assert not np.any(velocity(net, hidden, told, time))
    names = jax.tree.map(np.shape, net)
    assert names["blocks"][0]["norm"] == (6, 12) and names["layer"] == (2, 6)

    @jax.jit
    def loss(net):
        field = functools.partial(velocity, net)
        return jnp.mean(velocity_error(field, hidden, told, noise, time))

    leaves, tree = jax.tree.flatten(net)
    leaves = [x + 0.3 * rng.normal(size=x.shape) for x in leaves]
    grads = jax.tree.leaves(jax.jit(jax.grad(loss))(tree.unflatten(leaves)))
    for place, leaf in enumerate(leaves):
        way = rng.normal(size=leaf.shape)
        ends = [
            float(loss(tree.unflatten([*leaves[:place], x, *leaves[place + 1 :]])))
            for x in (leaf + 1e-5 * way, leaf - 1e-5 * way)
        ]
        slope = float(np.sum(np.asarray(grads[place]) * way))
        assert slope == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-5), place
