"""A loss that predicts what the environment wrote, beside the policy's own."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from test_objectives_apart import B, G, T, case, of_logp, policy


def test_what_the_environment_wrote_is_predicted():
    """The mean of -log pi over its tokens, whatever those of the policy are."""
    rollout, _, advantage = case()
    rng = np.random.default_rng(3)
    valid = np.arange(T) < rng.integers(1, T + 1, B * G)[:, None]
    valid[5] = True  # a row without a token of the policy's has dropped out
    rollout = dataclasses.replace(rollout, valid=jnp.asarray(valid | rollout.mask))
    logp = -rng.exponential(size=(B * G, T))
    mask, there = np.asarray(rollout.mask), np.asarray(rollout.valid)
    written = there & ~mask & mask.any(axis=1, keepdims=True)
    assert written.sum() > 3 and (there & ~mask)[5].any()
    text = "reinforce() | token_mean() | predict_environment(0.1)"
    value, grad = of_logp(text, rollout, jnp.asarray(logp), advantage)
    plain, own = of_logp(
        "reinforce() | token_mean()", rollout, jnp.asarray(logp), advantage
    )
    loss = -np.sum(logp[written]) / written.sum()
    assert float(value) == pytest.approx(float(plain) + 0.1 * loss, rel=1e-5)
    want = np.asarray(own) - 0.1 * written / written.sum()
    np.testing.assert_allclose(grad, want, atol=1e-7)
    off = jnp.where(there, logp, jnp.nan)  # padding is not read
    assert float(of_logp(text, rollout, off, advantage)[0]) == pytest.approx(
        float(value), rel=1e-6
    )
    none = "reinforce() | token_mean() | predict_environment(0.0)"
    np.testing.assert_allclose(
        of_logp(none, rollout, jnp.asarray(logp), advantage)[1], own, atol=1e-9
    )


def test_without_an_environment_there_is_nothing_to_predict():
    rollout, phi, _ = case()
    logp = policy(phi, rollout).logp
    value, grad = of_logp("predict_environment(1.0)", rollout, logp)
    assert float(value) == 0 and not np.asarray(grad).any()
