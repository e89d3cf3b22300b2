"""Losses of learned rewards against loops written from their equations, in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rewardlab.reward_models import averaging, implicit, length_heads, pairs
from rewardlab.reward_models import redistribution as redistribute
from rewardlab.selection import difficulty_filter

pytestmark = pytest.mark.usefixtures("x64")
GROUP = np.array([0, 1, 0, 1, 0, 2, 1])  # rows of a group need not lie together
LABEL = np.array([1.0, 0, 0, 1, 1, 1, 0])


def minus_log_sigmoid(x):
    return float(np.log1p(np.exp(-x)))


def drawn(seed=0, n=7, t=5):
    """Log-ratios with NaN off the mask, of which row 2 is empty."""
    rng = np.random.default_rng(seed)
    mask = rng.random((n, t)) < 0.7
    mask[2] = False
    ratio = np.where(mask, rng.normal(size=(n, t)), np.nan)
    return jnp.asarray(ratio), jnp.zeros((n, t)), jnp.asarray(mask)


def test_implicit_reward_is_the_total_and_values_are_its_parts():
    """beta times the sum up to each token; the last is the row's reward."""
    ratio, ref, mask = drawn()
    reward = implicit.implicit_reward(ratio, ref, mask, 0.5)
    values = implicit.process_values(ratio, ref, mask, 0.5)
    for i in range(7):
        total = 0.0
        for t in range(5):
            total += float(ratio[i, t]) if mask[i, t] else 0.0
            assert values[i, t] == pytest.approx(0.5 * total, abs=1e-12)
        assert reward[i] == pytest.approx(0.5 * total, abs=1e-12)
    assert reward[2] == 0


def test_cross_entropy():
    """-y log p - (1 - y) log (1 - p), for soft labels and far rewards as well."""
    reward = np.array([0.0, 2.0, -3.0, 0.5])
    label = np.array([1.0, 0.0, 1.0, 0.25])
    p = 1 / (1 + np.exp(-reward))
    want = -label * np.log(p) - (1 - label) * np.log(1 - p)
    np.testing.assert_allclose(implicit.cross_entropy(reward, label), want)
    far = implicit.cross_entropy(jnp.array([900.0, -900.0]), jnp.array([0.0, 0.0]))
    np.testing.assert_allclose(far, [900.0, 0.0], atol=1e-300)
    zero = implicit.cross_entropy(jnp.zeros(1), jnp.ones(1))
    assert zero[0] == pytest.approx(np.log(2))


@pytest.mark.parametrize("label", [LABEL, np.zeros(7), np.ones(7)])
def test_detached_pair_loss(label):
    """Against the mean of the group's rows of the other outcome; none counts as 0."""
    reward = np.random.default_rng(1).normal(size=7)
    want = []
    for i in range(7):
        mates = [j for j in range(7) if GROUP[j] == GROUP[i]]
        less = [reward[j] for j in mates if label[j] < label[i]]
        more = [reward[j] for j in mates if label[j] > label[i]]
        other = less if label[i] > 0 else more
        gap = reward[i] - (np.mean(other) if other else 0.0)
        want.append(minus_log_sigmoid(gap if label[i] > 0 else -gap))
    given = (jnp.asarray(label), jnp.asarray(GROUP))
    loss = implicit.detached_pair_loss(jnp.asarray(reward), *given)
    np.testing.assert_allclose(loss, want)
    one = jax.jacobian(lambda r: implicit.detached_pair_loss(r, *given))
    slope = np.asarray(one(jnp.asarray(reward)))
    assert (slope[~np.eye(7, dtype=bool)] == 0).all()


def test_best_of_n_weight():
    """n (share at most as good)^(n - 1); in a group of one it is 1."""
    score, want = np.array([1.0, 0, 0, 1, 1, 3, 0]), []
    for i in range(7):
        mates = [score[j] for j in range(7) if GROUP[j] == GROUP[i]]
        n = len(mates)
        want.append(n * np.mean([s <= score[i] for s in mates]) ** (n - 1))
    got = implicit.best_of_n_weight(jnp.asarray(score), jnp.asarray(GROUP))
    np.testing.assert_allclose(got, want)


def test_trajectory_dpo():
    """Every success against every failure of its group; the gradient is not 0."""
    reward, success = np.random.default_rng(2).normal(size=7), LABEL > 0
    terms = [
        minus_log_sigmoid(reward[i] - reward[j])
        for i in range(7)
        for j in range(7)
        if GROUP[i] == GROUP[j] and success[i] and not success[j]
    ]
    given = (jnp.asarray(success), jnp.asarray(GROUP))
    mean = lambda r: pairs.trajectory_dpo(r, *given).mean()  # noqa: E731
    assert mean(jnp.asarray(reward)) == pytest.approx(np.mean(terms))
    assert mean(jnp.zeros(7)) == pytest.approx(np.log(2))
    slope = jax.grad(mean)(jnp.asarray(reward))
    assert (slope[jnp.array([0, 3, 4])] < 0).all() and slope[5] == 0
    none = pairs.trajectory_dpo(jnp.asarray(reward), success | True, GROUP)
    assert float(none.mean()) == 0.0


@pytest.mark.parametrize("label", [LABEL, LABEL * 0, LABEL / 2 + GROUP])
def test_pair_accuracy(label):
    """By group, pairs weighed by their distance; 1/2 where all labels are equal."""
    score, shares = np.array([0.3, 0.1, 0.3, 0.2, -1.0, 0.0, 0.2]), []
    for g in range(3):
        rows = np.nonzero(GROUP == g)[0]
        won, weight = 0.0, 0.0
        for a, i in enumerate(rows):
            for j in rows[a + 1 :]:
                apart = label[j] - label[i]
                won += abs(apart) * ((score[j] > score[i]) == (apart > 0))
                weight += abs(apart)
        shares.append(won / weight if weight else 0.5)
    given = (score, label, GROUP)
    assert jax.jit(pairs.pair_accuracy)(*given) == pytest.approx(np.mean(shares))


def test_redistribution_errors():
    """Sums against R, means against R / L; no gradient past a row's end."""
    rng = np.random.default_rng(3)
    reward, outcome = rng.normal(size=(4, 6)), rng.normal(size=4)
    steps = np.array([6, 3, 1, 0])
    mask = np.arange(6) < steps[:, None]
    dirty = jnp.asarray(np.where(mask, reward, np.nan))
    parts = [reward[i, : steps[i]] for i in range(4)]
    sums = [(p.sum() - r) ** 2 for p, r in zip(parts, outcome, strict=True)]
    means = [(parts[i].mean() - outcome[i] / steps[i]) ** 2 for i in range(3)] + [0.0]
    given = (jnp.asarray(mask), jnp.asarray(outcome))
    np.testing.assert_allclose(redistribute.sum_error(dirty, *given), sums)
    np.testing.assert_allclose(redistribute.mean_error(dirty, *given), means)
    spread = [p.var() if len(p) else 0.0 for p in parts]
    got = redistribute.spread(dirty, jnp.asarray(mask))
    np.testing.assert_allclose(got, spread, atol=1e-15)
    for loss in (redistribute.sum_error, redistribute.mean_error):
        slope = jax.grad(lambda c, f=loss: jnp.sum(f(c, *given)))(dirty)
        assert (np.asarray(slope)[~mask] == 0).all() and np.isfinite(slope).all()
    slope = jax.grad(lambda c: jnp.sum(redistribute.spread(c, given[0])))(dirty)
    assert np.isfinite(slope).all()


def test_an_even_redistribution_has_no_error():
    """c = R / L everywhere."""
    steps, outcome = np.array([4, 2, 1]), jnp.array([1.0, -3.0, 0.7])
    mask = jnp.arange(4) < steps[:, None]
    even = jnp.broadcast_to((outcome / steps)[:, None], (3, 4))
    for loss in (redistribute.sum_error, redistribute.mean_error):
        np.testing.assert_allclose(loss(even, mask, outcome), 0, atol=1e-30)


@pytest.mark.parametrize("unbiased", [False, True])
@pytest.mark.parametrize("k", [1, 3])
def test_subset_error(unbiased, k):
    """The mean of the drawn steps against R / L, less the variance of that mean."""
    rng = np.random.default_rng(4)
    reward, outcome = rng.normal(size=(5, 6)), rng.normal(size=5)
    steps = np.array([6, 3, 2, 1, 5])  # more draws than steps: with replacement
    drawn_ = np.array([rng.integers(0, n, k) for n in steps])
    want = []
    for i in range(5):
        some = reward[i, drawn_[i]]
        var = some.var(ddof=1) if k > 1 else 0.0
        less = var * (1 - k / steps[i]) / k if unbiased else 0.0
        want.append((some.mean() - outcome[i] / steps[i]) ** 2 - less)
    given = (jnp.asarray(x) for x in (reward, drawn_, steps, outcome))
    got = redistribute.subset_error(*given, unbiased=unbiased)
    np.testing.assert_allclose(got, want)


def test_linear_head():
    """w . h + b."""
    rng = np.random.default_rng(5)
    h, w = rng.normal(size=(2, 3, 4)), rng.normal(size=4)
    got = redistribute.linear_head(jnp.asarray(h), jnp.asarray(w), jnp.asarray(0.5))
    np.testing.assert_allclose(got, h @ w + 0.5)


def test_correlation():
    """numpy's, and 0 (with a gradient of 0) where one side does not vary."""
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=9), rng.normal(size=9) + 100
    got = length_heads.correlation(jnp.asarray(x), jnp.asarray(y))
    assert got == pytest.approx(np.corrcoef(x, y)[0, 1])
    flat = lambda z: length_heads.correlation(z, jnp.full(9, 0.1))  # noqa: E731
    assert flat(jnp.asarray(x)) == 0
    assert (jax.grad(flat)(jnp.asarray(x)) == 0).all()


def test_odin():
    """The pair loss on both heads, and what makes them differ."""
    rng = np.random.default_rng(7)
    scores, length = rng.normal(size=(2, 3, 2)), rng.integers(1, 50, 6) * 1.0
    heads = rng.normal(size=(2, 1, 4))
    columns = scores.reshape(6, 2)
    q, k = (np.corrcoef(c, length)[0, 1] for c in columns.T)
    cosine = abs((heads[0] * heads[1]).sum())
    norms = np.sqrt((heads[0] ** 2).sum() * (heads[1] ** 2).sum())
    want = [
        minus_log_sigmoid(scores[0, i].sum() - scores[1, i].sum())
        + 2.0 * (abs(q) - k)
        + 3.0 * cosine / (norms + 1e-6)
        for i in range(3)
    ]
    got = length_heads.odin_loss(
        *jnp.asarray(scores), jnp.asarray(length), tuple(jnp.asarray(heads)), 2.0, 3.0
    )
    np.testing.assert_allclose(got, want)
    squares = length_heads.squared_rewards(jnp.asarray([2.0]), jnp.asarray([-3.0]))
    assert float(squares[0]) == 13.0


def test_average_weights():
    """Parameter by parameter, in the layout they came in; one model is itself."""
    models = [
        {"w": jnp.array([k, 2.0]), "b": jnp.array(k * 3)} for k in (1.0, 2.0, 6.0)
    ]
    mean = averaging.average_weights(models)
    assert mean["w"].tolist() == [3.0, 2.0] and float(mean["b"]) == 9.0
    assert averaging.average_weights(models[:1])["w"].tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="at least one model"):
        averaging.average_weights([])


def test_middling_prompts():
    """Bounds are inclusive; a group without rows is not kept; no answer cut off."""
    group = np.array([0] * 5 + [1] * 5 + [2, 3, 3])
    right = np.array([1.0, 0, 0, 0, 0] + [1, 1, 1, 1, 0] + [1, 0, 0])
    keep = difficulty_filter.accuracy_within(jnp.asarray(right), jnp.asarray(group), 5)
    assert keep.tolist() == [True, True, False, False, False]
    length = jnp.asarray([3, 7, 2, 2, 2, 1, 1, 1, 1, 1, 9, 8, 8])
    ended = difficulty_filter.all_shorter(length, jnp.asarray(group), 4, limit=8)
    assert ended.tolist() == [True, True, False, False]
