"""Rows that make several rewards one, whole, by name.

Written from tlc4418/llm_optimization, tedmoskovitz/ConstrainedRL4LMs,
pidneuralode/ORBIT, autonomousvision/CaRL and sitaocheng/DERL.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from rows import against_group, agrees, batch, trained
from test_learner import bigram, make_rollout

from rewardlab import default_config, estimator, resolve
from rewardlab.learning.learner import Parts, learner
from rewardlab.learning.parallel import jit_driver
from rewardlab.methods.sentence import shaped_reward
from rewardlab.runs.builders import build_objective

RNG = np.random.default_rng(11)
MEMBERS = RNG.normal(size=(8, 3))
SCORE = RNG.normal(size=8)


def test_wco():
    b = batch(1, members=MEMBERS)
    a = against_group(b, MEMBERS.min(axis=1))
    agrees("wco", b, trained(a), a)


def test_uwo():
    """mean - 0.1 variance, which divides by K - 1."""
    b = batch(1, members=MEMBERS)
    a = against_group(b, MEMBERS.mean(axis=1) - 0.1 * MEMBERS.var(axis=1, ddof=1))
    agrees("uwo", b, trained(a), a)


@pytest.mark.parametrize(
    ("name", "weight"), [("mu_ppo", 0.5), ("xi_ppo", math.tanh(0.01))]
)
def test_constrained(name, weight):
    """(2 - sum mu) A_kl + sum mu_c A_c; returns to go, each of mean 0 and std 1.

    At the first batch mu is sigmoid(0), or tanh(0.01).
    """
    b = batch(2, score=SCORE)
    streams = {name: np.zeros(b.mask.shape) for name in ("kl", "correct", "score")}
    for i, ts in b.rows():
        for t in ts:
            later = [u for u in ts if u >= t]
            gaps = [b.old[i, u] - b.ref[i, u] for u in later]
            streams["kl"][i, t] = -0.1 * sum(gaps)
            streams["correct"][i, t] = b.signals["correct"][i]
            streams["score"][i, t] = SCORE[i]
    for x in streams.values():
        x[:] = (x - x[b.mask].mean()) / (x[b.mask].std(ddof=1) + 1e-8)
    a = (2 - 2 * weight) * streams["kl"]
    a += weight * (streams["correct"] + streams["score"])
    agrees(name, b, trained(a), a)


@pytest.mark.parametrize("name", ["mu_ppo", "xi_ppo"])
def test_constrained_rows_train(name):
    """A step of the learner: parameters and multipliers move, a reward is logged."""
    config = default_config()
    config.reward = name
    transform = resolve(name)
    parts = Parts(
        bigram,
        estimator(transform),
        shaped_reward(transform),
        build_objective(config),
        optax.sgd(0.1),
    )
    learn = learner(lambda hp: parts, jit_driver(jax.devices()[:1]))
    base = make_rollout()
    rollout = base.with_signals(score=base.signals["correct"], ref_logp=base.logp - 0.1)
    state = learn.init({"table": jnp.zeros((7, 7))}, rollout)
    before = [np.asarray(x) for x in jax.tree.leaves(state.reward)]
    state, report = learn.update(state, rollout)
    assert np.any(state.params["table"]) and np.all(np.isfinite(report.advantage))
    after = jax.tree.leaves(state.reward)
    assert any(np.any(x != y) for x, y in zip(before, after, strict=True))
    assert np.isfinite(report.reward.total).all()


def test_orbit():
    """The points that are met over those that can be won; overlong from half on.

    DAPO's bounds by token; verl's dual clip at 3.
    """
    points = RNG.choice([-1.0, 0.5, 2.0], (8, 4))
    points[:, 0] = 2.0
    met = RNG.choice([0.0, 1.0], (8, 4))
    b = batch(3, spread=1.5, met=met, points=points)
    reward = (points * met).sum(1) / np.maximum(points, 0).sum(1)
    reward -= [max(len(ts) - 4, 0) / 4 for _, ts in b.rows()]
    a = against_group(b, reward, 1e-6)
    agrees("orbit", b, trained(a, high=0.28, dual=3.0), a)


def test_carl():
    """Progress times penalties, less 1 for a crash; discounted, of mean 0 and std 1."""
    route, speed, comfort = RNG.uniform(size=(3, 8, 1))
    crashed = np.round(RNG.uniform(size=8))
    parts = {"route": route, "speed": speed, "comfort": comfort, "crashed": crashed}
    b = batch(4, **parts)
    a = np.zeros(b.mask.shape)
    for i, ts in b.rows():
        end = (route * speed * comfort)[i, 0] - crashed[i]
        for t in ts:
            a[i, t] = 0.99 ** (ts[-1] - t) * end
    own = a[b.mask]
    a = (a - own.mean()) / np.sqrt(own.var(ddof=1) + 1e-8)
    agrees("carl", b, trained(a), a)


def test_derl():
    """A formula of four checks; verl's dual clip and a KL of 0.001, by token."""
    g = RNG.choice([1e-6, 1 + 1e-6], (4, 8))
    b = batch(5, spread=1.5, g1=g[0], g2=g[1], g3=g[2], g4=g[3])
    reward = g[0] + 0.5 * (g[1] - 0.5 * (g[2] - 0.5 * (g[3] + 0.5)))
    a = against_group(b, reward, 1e-6)
    agrees("derl", b, trained(a, dual=3.0, kl=0.001), a)
