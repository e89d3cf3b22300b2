"""Shapers of the methods by rule and without a verifier, against loops in float64."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import GROUPS, SEEDS, agree, run, true_tokens, varied

from rewardlab import build
from rewardlab.testing import from_arrays

pytestmark = [
    pytest.mark.usefixtures("x64", "strict_ranks"),
    pytest.mark.parametrize("seed", SEEDS),
]


def test_flip_groups(seed):
    """A whole group is r or 1 - r, in the asked share of many groups."""
    rollout = varied(seed)
    plain = run("outcome('correct')", rollout)
    text = "outcome('correct') | flip_groups(0.5, seed=3)"
    for iteration in range(6):
        now = dataclasses.replace(rollout, iteration=jnp.asarray(iteration))
        got = run(text, now)
        for b in range(4):
            rows = [p for p in plain if GROUPS[p[0]] == b]
            kept = all(got[p] == plain[p] for p in rows)
            flipped = all(got[p] == 1 - plain[p] for p in rows)
            assert kept or flipped
        assert got == run(text, now)
    agree(run("outcome('correct') | flip_groups(0.0)", rollout), plain)
    turned = {p: 2 - r for p, r in plain.items()}
    agree(run("outcome('correct') | flip_groups(1.0, top=2.0)", rollout), turned)
    many = from_arrays(np.ones((4000, 1)), group=np.arange(4000), correct=np.ones(4000))
    flips = [
        r == 0 for r in run("outcome('correct') | flip_groups(0.4)", many).values()
    ]
    assert abs(np.mean(flips) - 0.4) < 5 * np.sqrt(0.24 / 4000)


def test_cosine_length(seed):
    """The paper's curve, in tokens; right means exactly 1."""
    base = varied(seed)
    penalty = -np.random.default_rng(seed).random(12)
    rollout = base.with_signals(again=jnp.asarray(penalty))
    want = {}
    for (i, t), r in run("outcome('correct')", rollout).items():
        length = len(true_tokens(rollout, i))
        low, high = (1.0, 2.0) if r == 1 else (0.0, -10.0)
        wave = 0.5 * (high - low) * (1 + np.cos(np.pi * length / 14))
        want[i, t] = low + wave + (0 if r == 1 else penalty[i])
        if length + 4 >= 14:
            want[i, t] = -3.0
    word = "cosine_length(14, margin=4, exceed=-3.0, wrong_penalty='again')"
    agree(run(f"outcome('correct') | {word}", rollout), want)


def test_keep_above(seed):
    """r where r > threshold; equality is not enough."""
    rollout = varied(seed)
    got = run("process('prm') | keep_above(0.5)", rollout)
    plain = run("process('prm')", rollout)
    agree(got, {p: r if r > 0.5 else 0.0 for p, r in plain.items()})
    assert 0.5 in plain.values()


@pytest.mark.parametrize("steps", [False, True])
def test_divide_by_count(seed, steps):
    """r / N^power with counts of all batches so far, this one with them."""
    rng, count = np.random.default_rng(seed), {}
    source = "process('prm')" if steps else "outcome('correct')"
    transform = build(f"{source} | divide_by_count('what', size=5, power=2)")
    update, state = jax.jit(transform.update), None
    for batch in range(3):
        what = rng.integers(0, 9, (12, 4) if steps else 12)
        rollout = varied(seed + batch).with_signals(what=jnp.asarray(what))
        plain = run(source, rollout)
        cell = {
            p: what[p[0], int(rollout.step[p])] if steps else what[p[0]] for p in plain
        }
        for p in plain:
            count[cell[p] % 5] = count.get(cell[p] % 5, 0) + 1
        state = transform.init(rollout) if state is None else state
        channels, state = update({}, state, rollout)
        (reward,) = channels.values()
        for p, r in plain.items():
            want = r / count[cell[p] % 5] ** 2
            np.testing.assert_allclose(reward.value[p], want, rtol=1e-12)
    assert state[1].tolist() == [count.get(c, 0) for c in range(5)]


def test_cost_quantile_score(seed):
    """1 - clip of where sqrt(cost) lies between quantiles of the latest 8 costs."""
    rng, latest = np.random.default_rng(seed), []
    transform = build("outcome('c') | cost_quantile_score(window=8)")
    update, state = jax.jit(transform.update), None
    for size in (1, 3, 5, 2, 12):
        cost, valid = rng.integers(0, 50, size), rng.random(size) < 0.8
        rollout = from_arrays(
            np.ones((size, 1)), c=np.where(valid, cost, np.nan), c_valid=valid
        )
        state = transform.init(rollout) if state is None else state
        channels, state = update({}, state, rollout)
        latest = [*latest, *np.sqrt(cost[valid])][-8:]
        low, high = np.percentile(latest, [5, 95]) if latest else (0, 0)
        for i in np.nonzero(valid)[0]:
            want = 0.5
            if high - low >= 1e-8:
                want = 1 - np.clip((np.sqrt(cost[i]) - low) / (high - low), 0, 1)
            np.testing.assert_allclose(channels["c"].value[i, 0], want, atol=1e-12)


def test_history_with_a_prior(seed):
    """As if `prior` rewards of mean 0 and variance 1 had come first (ONI)."""
    rng = np.random.default_rng(seed)
    transform = build("outcome('r') | standardize_by_history(prior=0.5, ddof=1)")
    mean, var, n, state = 0.0, 1.0, 0.5, None
    for size in (4, 1, 7):
        r = rng.normal(size=size)
        rollout = from_arrays(np.ones((size, 1)), r=r)
        state = transform.init(rollout) if state is None else state
        channels, state = transform.update({}, state, rollout)
        own = np.var(r, ddof=1) if size > 1 else 0.0
        gap = r.mean() - mean
        m2 = var * n + own * size + gap**2 * n * size / (n + size)
        mean, n = mean + gap * size / (n + size), n + size
        var = m2 / n
        want = (r - mean) / np.sqrt(var)
        np.testing.assert_allclose(channels["r"].value[:, 0], want, rtol=1e-12)
