"""ROVER, PACS and the weights of TW-GRPO against loops in float64."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rewardlab import objectives
from rewardlab.models.logprobs import TokenStats, mean_logp
from rewardlab.objectives import pacs, rover
from rewardlab.objectives.token_importance import group_divergence, token_importance
from rewardlab.testing import from_arrays

pytestmark = pytest.mark.usefixtures("x64")
RNG = np.random.default_rng(2)

GROUP = np.array([1, 0, 1, 2, 0, 1, 1])
MASK = np.arange(5) < np.array([5, 3, 0, 2, 5, 1, 4])[:, None]


def softmax_logs(x):
    return x - np.log(np.exp(x).sum(axis=-1, keepdims=True))


def test_token_importance():
    """An empty row is uniform; the gradient flows, as in the code."""
    logp = softmax_logs(RNG.normal(size=(6, 5, 4)))
    mask = MASK[:6]
    poisoned = np.where(mask[..., None], logp, np.nan)

    @jax.jit
    def weight(logp):
        by_prompt = logp.reshape(2, 3, 5, 4).swapaxes(1, 2)
        inside = jnp.asarray(mask).reshape(2, 3, 5).swapaxes(1, 2)
        return token_importance(group_divergence(by_prompt, inside), alpha=1.5)

    got = np.asarray(weight(poisoned))
    filled = np.where(mask[..., None], logp, -math.log(4))
    for b in range(2):
        rows, spread = np.arange(3 * b, 3 * b + 3), np.zeros(5)
        for t in range(5):
            center = filled[rows, t].mean(axis=0)
            gap = np.clip(center - filled[rows, t], -11, 11)
            spread[t] = np.mean(np.sum(np.exp(gap) - gap - 1, axis=1))
        share = (spread - spread.min()) / (np.ptp(spread) + 1e-8)
        np.testing.assert_allclose(got[b], 1 + 0.5 * share, atol=1e-12)
    grad = jax.jit(jax.grad(lambda x: weight(x).sum()))(logp)
    assert np.abs(grad).max() > 0  # as in the code, the weights are not detached
    assert not np.isnan(grad).any()


def test_rover_target():
    """The next token's gain, where the next token is True; nothing off the mask."""
    new, old = (softmax_logs(RNG.normal(size=(7, 5, 6))).mean(axis=-1) for _ in "ab")
    logits = RNG.normal(size=(2, 3))
    got = mean_logp(jnp.asarray(logits))
    np.testing.assert_allclose(got, softmax_logs(logits).mean(axis=1))
    reward = RNG.normal(size=(7, 5))
    want = np.zeros((7, 5))
    for i, length in enumerate(MASK.sum(axis=1)):
        for t in range(length):
            ahead = new[i, t + 1] - old[i, t + 1] if t + 1 < length else 0.0
            want[i, t] = reward[i, t] + 0.5 * 0.7 * ahead
    for x in (new, old, reward):
        x[~MASK] = np.nan
    got = rover.rover_target(reward, new, old, MASK, 0.5, 0.7)
    np.testing.assert_allclose(got, want)


def test_rover():
    """At the sampling policy Q = 0 and the gradient is that of -2 rho A log pi."""
    logp = -RNG.exponential(size=(7, 5))
    rollout = from_arrays(MASK, logp=logp)
    advantage = jnp.asarray(RNG.normal(size=(7, 5)))
    loss = objectives.objective(rover.rover(rho=0.5), aggregate=objectives.token_mean())

    def total(x):
        return loss(TokenStats(x, 0 * x), rollout, advantage)[0].mean()

    value, grad = jax.value_and_grad(total)(jnp.asarray(logp))
    assert value == pytest.approx(np.mean(np.asarray(advantage)[MASK] ** 2))
    want = np.where(MASK, -2 * 0.5 * advantage / MASK.sum(), 0)
    np.testing.assert_allclose(grad, want, atol=1e-15)


def test_clipped_q():
    """Held only beyond the bound with the target further out still; 2.0 is led back."""
    high, low = math.log(1.2), math.log(0.8)
    edge = [0.1, high - 1e-9, high + 1e-9, 0.5, 2.0]
    q = np.array([x for x in (*edge, -0.1, low - 1e-9, -0.5, -2.0) for _ in range(5)])
    target = np.tile([-3.0, -0.3, 0.0, 0.3, 3.0], 9)
    want, free = [], []
    for x, goal in zip(q, target, strict=True):
        out = (x > high and goal > x) or (x < low and goal < x)
        want.append((high if x > 0 else low) if out else x)
        free.append(float(not out))
    np.testing.assert_allclose(rover.clipped_q(q, target), want, rtol=1e-12)
    assert float(rover.clipped_q(jnp.asarray(2.0), jnp.asarray(0.1))) == 2.0
    slope = jax.grad(lambda x: rover.clipped_q(x, target).sum())(jnp.asarray(q))
    assert slope.tolist() == free and 0 < sum(free) < len(free)


def test_rewards_of_rows():
    """Sums over True tokens only; an empty row gives 0."""
    logp, old = RNG.normal(size=(2, 7, 5))
    gaps = [sum((logp - old)[i][MASK[i]]) for i in range(7)]
    length = MASK.sum(axis=1)
    likely = [logp[i][MASK[i]].mean() if length[i] else 0.0 for i in range(7)]
    logp[~MASK] = old[~MASK] = np.nan
    got = pacs.ratio_reward(jnp.asarray(logp), jnp.asarray(old), MASK, 2.0)
    np.testing.assert_allclose(got, 2 * np.array(gaps))
    got = pacs.likelihood_reward(jnp.asarray(logp), MASK, length, 3.0)
    np.testing.assert_allclose(got, 3 * np.array(likely))


@pytest.mark.parametrize("kind", pacs.LOGITS)
def test_logits(kind):
    """Against the other rows, the group's mean, its spread, nothing."""
    reward, rollout = RNG.normal(size=7), from_arrays(MASK, group=GROUP)
    want = []
    for i in range(7):
        mates = reward[GROUP == GROUP[i]]
        others = np.delete(mates, np.flatnonzero(mates == reward[i])[0])
        std = mates.std(ddof=1) + 1e-6 if len(others) else 1.0
        want.append(
            {
                "rloo": reward[i] - others.mean() if len(others) else 0.0,
                "grpo_no_std": reward[i] - mates.mean() if len(others) else 0.0,
                "grpo": (reward[i] - mates.mean()) / std if len(others) else 0.0,
                "naive": reward[i],
            }[kind]
        )
    logit = pacs.LOGITS[kind]
    np.testing.assert_allclose(logit(jnp.asarray(reward), rollout), want, atol=1e-15)
    flat = jax.grad(lambda r: logit(r, rollout).sum())(jnp.zeros(7))
    assert np.isfinite(flat).all()


def test_class_balance():
    """Classes of a group weigh the same in sum; equal labels weigh 1."""
    label = np.array([1.0, 0, 0, 1, 0, 0, 0])
    got = pacs.class_balance(jnp.asarray(label), from_arrays(MASK, group=GROUP))
    # Group 1: one right, three wrong: 4 / 2 and 4 / 6. Groups 0 and 2 are uniform.
    want = [2, 1, 2 / 3, 1, 1, 2 / 3, 2 / 3]
    np.testing.assert_allclose(got, want)


def test_pacs_loss():
    """Binary cross-entropy over rows; log 2 where every logit is 0."""
    logit, correct = RNG.normal(size=4), np.array([1.0, 0, 0, 1])
    weight = np.array([2.0, 1, 0, 0.5])
    want = 0.0
    for z, y, w in zip(logit, correct, weight, strict=True):
        p = 1 / (1 + math.exp(-z))
        want -= w * math.log(p if y else 1 - p) / 4
    assert pacs.pacs_loss(logit, correct, weight) == pytest.approx(want)
    assert pacs.pacs_loss(jnp.zeros(4), correct) == pytest.approx(math.log(2))
