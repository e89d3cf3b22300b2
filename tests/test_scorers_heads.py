"""Heads: what they are given, and what they make of it."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from test_scorers_critic import case
from test_scorers_words import SETTING

from rewardlab.scorers import heads, passes
from rewardlab.scorers.heads import SURPRISE, surprise


def rows():
    """Ragged rows with log-probs, and a token of the environment in the first."""
    rollout = case()[0]
    logp = -np.random.default_rng(0).exponential(size=rollout.mask.shape)
    mask = rollout.mask.at[0, 1].set(False)
    logp[0, 1] = np.nan  # of what nobody sampled
    return dataclasses.replace(rollout, mask=mask, logp=jnp.asarray(logp, jnp.float32))


def test_surprise_is_the_log_prob_its_sum_and_its_least():
    rollout = rows()
    now, before = surprise(rollout, before=False), surprise(rollout, before=True)
    assert now.shape == (*rollout.mask.shape, SURPRISE)
    for n, row in enumerate(np.asarray(rollout.mask)):
        total, least, was = 0.0, 0.0, np.zeros(3)
        for t, own in enumerate(row):
            x = float(rollout.logp[n, t]) if own else 0.0
            total, least = total + x, min(least, x)
            np.testing.assert_allclose(before[n, t], was, atol=1e-5)
            was = np.array([x, total, least])
            np.testing.assert_allclose(now[n, t], was, atol=1e-5)


def test_a_head_is_two_layers_and_begins_at_0():
    x = jnp.asarray(np.random.default_rng(0).normal(size=(3, 5)), jnp.float32)
    head = heads.begin(jax.random.key(0), 5, 4, 2)
    assert not np.any(heads.read(head, x[:, :2], x[:, 2:]))
    head = {**head, "w2": jnp.ones((4, 2)), "b2": jnp.asarray([0.0, 1.0])}
    inner = jax.nn.gelu(x @ head["w1"] + head["b1"]).sum(axis=1)
    want = np.stack([inner, inner + 1], axis=1)
    np.testing.assert_allclose(heads.read(head, x), want, rtol=1e-5)


def test_the_state_after_a_token_is_the_one_before_the_next():
    rollout, _, context, _ = case()
    before, after = (
        word()(SETTING).score((), context, rollout, None)
        for word in (passes.states, passes.states_after)
    )
    found, first = after["hidden_after"][:, :-1], before["hidden"][:, 1:]
    there = np.asarray(rollout.valid[:, 1:])[..., None]
    np.testing.assert_allclose(found * there, first * there, atol=1e-5)
