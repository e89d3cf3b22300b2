"""Losses of pairs and rankings against loops in float64."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rewardlab.reward_models import bradley_terry as bt
from rewardlab.reward_models import cream, general_preference, heron, min_norm, pal

pytestmark = pytest.mark.usefixtures("x64")
RNG = np.random.default_rng(0)


def log_sigmoid(x):
    return -math.log1p(math.exp(-x))


def test_pair_loss():
    """-log sigmoid(d - m); only the difference counts; scaled by 0 it is 0."""
    chosen, rejected = RNG.normal(size=(2, 5))
    margin = np.array([0, 1, 2, 3, 0.5])
    pairs = zip(chosen, rejected, margin, strict=True)
    want = [-log_sigmoid(a - b - m) for a, b, m in pairs]
    np.testing.assert_allclose(bt.pair_loss(chosen, rejected, margin), want)
    moved = bt.pair_loss(chosen + 7, rejected + 7, margin)
    np.testing.assert_allclose(moved, want)
    far = bt.pair_loss(jnp.array(-1e4), jnp.array(0.0))
    assert far == 1e4  # no overflow


def test_focal_loss():
    """Pairs that are told apart weigh less; wrong pairs weigh fully."""
    for d in (-2.0, 0.0, 0.5, 3.0):
        p = 2 * max(1 / (1 + math.exp(-d)) - 0.5, 0)
        want = (1 - p) ** 2 * -log_sigmoid(d)
        assert bt.focal_loss(jnp.array(d), jnp.array(0.0)) == pytest.approx(want)


def test_penalties():
    """The barrier is -log 25 in the middle, and flat beyond its walls."""
    assert bt.log_barrier(jnp.array(0.0)) == pytest.approx(-2 * math.log(5))
    wall = -math.log(1e-3) - math.log(10 - 1e-3)
    assert bt.log_barrier(jnp.array(9.0)) == pytest.approx(wall)
    assert jax.grad(bt.log_barrier)(9.0) == 0
    assert bt.centring(jnp.array(2.0), jnp.array(-3.0)) == 1


def test_signed_pair():
    """A label of 0 takes the second for the chosen one, with strength 0."""
    label = jnp.array([-3.0, 0.0, 2.0])
    chosen, rejected, strength = bt.signed_pair(jnp.ones(3), jnp.zeros(3), label)
    assert chosen.tolist() == [1, 0, 0] and rejected.tolist() == [0, 1, 1]
    assert strength.tolist() == [3, 0, 2]


def test_attribute_regression():
    """Ratings that are absent do not count, whatever stands there."""
    rating = np.array([[1.0, -100.0], [3.0, 4.0]])
    predicted = np.array([[2.0, np.nan], [3.0, 6.0]])
    assert bt.attribute_regression(predicted, rating) == pytest.approx(5 / 3)
    grads = jax.grad(bt.attribute_regression)(jnp.asarray(predicted), rating)
    np.testing.assert_allclose(grads, [[2 / 3, 0], [0, 4 / 3]])
    nothing = np.full((2, 2), -100.0)
    assert bt.attribute_regression(predicted, nothing) == 0


def test_preference_score():
    """Antisymmetric, 0 with itself; a circle of three at 120 degrees."""
    a, b = RNG.normal(size=(2, 3, 6))
    scales = RNG.random((3, 3))
    score = general_preference.preference_score
    want = [
        sum(
            s[k] * (x[2 * k] * y[2 * k + 1] - x[2 * k + 1] * y[2 * k]) for k in range(3)
        )
        for x, y, s in zip(a, b, scales, strict=True)
    ]
    np.testing.assert_allclose(score(a, b, scales), want)
    np.testing.assert_allclose(score(b, a, scales), -np.array(want))
    assert not np.asarray(score(a, a)).any()
    angle = np.arange(3) * 2 * np.pi / 3
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    beats = score(ring, np.roll(ring, -1, axis=0))
    np.testing.assert_allclose(beats, math.sin(2 * math.pi / 3))
    with pytest.raises(ValueError, match="this one has 3; give it an even width"):
        score(np.ones(3), np.ones(3))


def test_plane_scales_and_losses():
    """Scales add up to d / 2; the losses by hand."""
    hidden, weight = RNG.normal(size=(4, 5)), RNG.normal(size=(3, 5))
    scales = np.asarray(general_preference.plane_scales(hidden, weight))
    z = np.exp(hidden @ weight.T / math.sqrt(5))
    np.testing.assert_allclose(scales, 3 * z / z.sum(axis=1, keepdims=True))
    s = jnp.array(0.25)
    loss = general_preference.preference_loss(s, 0.1, 0.3)
    assert loss == pytest.approx(-log_sigmoid(-0.5))
    share = general_preference.preference_probability(s, 0.1)
    assert share == pytest.approx(1 / (1 + math.exp(-2.5)))
    # (2.5 - 10)^2 / 2
    assert general_preference.preference_regression(s) == pytest.approx(28.125)


def test_ideal_points():
    """A mixture of prototypes; the reward is minus the distance, flat at 0."""
    user, prototypes = RNG.normal(size=(2, 3)), RNG.normal(size=(3, 4))
    share = np.exp(user / 2) / np.exp(user / 2).sum(axis=1, keepdims=True)
    ideal = np.asarray(pal.ideal_point(user, prototypes, temperature=2.0))
    np.testing.assert_allclose(ideal, share @ prototypes)
    item = RNG.normal(size=(2, 4))
    far = [-math.dist(x, y) for x, y in zip(item, ideal, strict=True)]
    np.testing.assert_allclose(pal.distance_reward(item, ideal), far)
    grad = jax.grad(lambda x: pal.distance_reward(x, jnp.asarray(ideal)).sum())
    assert not np.asarray(grad(jnp.asarray(ideal))).any()
    cosine = [
        x @ y / math.sqrt((x @ x) * (y @ y)) for x, y in zip(item, ideal, strict=True)
    ]
    angle = pal.angle_reward(item, ideal, math.log(1 / 0.07))
    np.testing.assert_allclose(angle, np.array(cosine) / 0.07)
    steep = pal.angle_reward(item, ideal, 50.0)
    np.testing.assert_allclose(steep, 100 * np.array(cosine))
    assert not np.asarray(pal.angle_reward(np.zeros(2), np.ones(2), 0.0)).any()


@pytest.mark.parametrize("x", [-9.0, -4.0, -3.9, 0.0, 1.0, 2.0])
def test_hinges(x):
    """The smooth hinge is a parabola up to gamma, then a line that continues it."""
    y = -1.0  # the left one is preferred
    short = max(0.0, 1 - x)
    towards = jnp.array(y * x)
    assert pal.hinge(towards, y) == pytest.approx(short)
    smooth = short**2 / 10 if short <= 5 else short - 2.5
    assert pal.smooth_hinge(towards, y) == pytest.approx(smooth)
    assert pal.logistic(towards, y) == pytest.approx(-log_sigmoid(x))


def test_token_weights_of_pal():
    """Later tokens weigh more; an empty row gives 0, and NaN off the mask is unread."""
    x = np.array([[1.0, np.nan, 2.0, 4.0], [np.nan] * 4])
    mask = np.array([[True, False, True, True], [False] * 4])
    # (1 * 1 + 2 * 2 + 3 * 4) / 6
    np.testing.assert_allclose(pal.cumulative_mean(x, mask), [17 / 6, 0])
    np.testing.assert_allclose(pal.last_token(x, mask), [4, 0])


def test_hierarchy_labels():
    """The first factor that differs by more than its tolerance decides."""
    factors = RNG.integers(-3, 4, (40, 3)) / 2
    partner = RNG.permutation(40)
    share = np.array([0.5, 0.3, 0.0])
    tolerance = share * factors.std(axis=0, ddof=1)
    np.testing.assert_allclose(heron.tolerances(factors, share), tolerance)
    want = []
    for i, j in enumerate(partner):
        label = 0
        for a, b, most in zip(factors[i], factors[j], tolerance, strict=True):
            if label == 0 and abs(a - b) > most:
                label = int(np.sign(a - b))
        want.append(label)
    got = heron.hierarchy_label(factors, factors[partner], tolerance)
    assert got.tolist() == want and 0 < sum(x == 0 for x in want)
    turned = heron.hierarchy_label(factors[partner], factors, tolerance)
    assert turned.tolist() == [-x for x in want]
    assert np.asarray(heron.tolerances(factors[:1], share)).tolist() == [0, 0, 0]


def test_hierarchy_loss():
    """Undecided pairs do not count; with none the loss is 0."""
    mine, other = RNG.normal(size=(2, 4))
    label = np.array([1, -1, 0, 1])
    lead = [y * (a - b) for y, a, b in zip(label, mine, other, strict=True) if y]
    loss, accuracy = heron.hierarchy_loss(mine, other, label)
    assert loss == pytest.approx(-sum(map(log_sigmoid, lead)) / (3 + 1e-5))
    assert accuracy == pytest.approx(sum(x > 0 for x in lead) / (3 + 1e-5))
    assert heron.hierarchy_loss(mine, other, np.zeros(4, int)) == (0, 0)


def test_min_norm_pair():
    """By scanning weights; vectors that agree end at the walls 0.999 and 0.001."""
    for a, b in (([1.0, 0], [-0.5, 0.5]), ([1.0, 2], [3.0, 4]), ([5.0, 1], [1.0, 0.2])):
        a, b = np.array(a), np.array(b)
        w, cost = min_norm.min_norm_pair(*map(jnp.asarray, (a @ a, a @ b, b @ b)))
        grid = np.linspace(0.001, 0.999, 100_001)
        norms = np.sum((grid[:, None] * a + (1 - grid[:, None]) * b) ** 2, axis=1)
        assert w == pytest.approx(grid[norms.argmin()], abs=1e-5)
        assert cost == pytest.approx(norms.min(), rel=1e-2)


@pytest.mark.parametrize("tasks", [1, 2, 3, 5])
def test_min_norm_weights(tasks):
    """On the simplex, no worse than random weights, and no task is made worse."""
    grads = RNG.normal(size=(tasks, 8)) + 0.5
    found = jax.jit(min_norm.min_norm_weights)(jnp.asarray(grads))
    weights = np.asarray(found.weights)
    assert weights.sum() == pytest.approx(1) and (weights >= 0).all()
    mixed = weights @ grads
    draws = RNG.dirichlet(np.ones(tasks), 2000) @ grads
    assert mixed @ mixed <= np.sum(draws**2, axis=1).min() * (1 + 1e-3)
    assert (grads @ mixed >= (1 - 0.05) * (mixed @ mixed)).all()
    equal = jax.jit(min_norm.min_norm_weights)(jnp.ones((tasks, 3)))
    assert np.asarray(equal.weights) @ np.ones(tasks) == pytest.approx(1)


def test_divisors():
    """A gradient of 0 is divided by 1."""
    grads, losses = jnp.array([[3.0, 4.0], [0.0, 0.0]]), jnp.array([1.0, 3.0])
    assert min_norm.divisor_l2(grads, losses).tolist() == [5, 1]
    np.testing.assert_allclose(min_norm.divisor_loss(grads, losses), [1 / 3, 2 / 3])
    assert min_norm.divisor_loss_l2(grads, losses).tolist() == [5, 3]
    assert min_norm.smoothed(jnp.array(2.0), jnp.array(6.0), 0.25) == 5
    assert min_norm.smoothed(jnp.array(2.0), jnp.array(6.0)) == 2


@pytest.mark.parametrize("n", [1, 2, 5])
def test_consistency(n):
    """Shares of pairs ranked alike; ranks by place where scores tie."""
    now, before = RNG.integers(0, 3, (2, n)) / 1.0
    ranks = [
        [1 + sorted(range(n), key=lambda i, x=x: (x[i], i)).index(k) for k in range(n)]
        for x in (now, before)
    ]
    assert cream.ordinal_rank(now).tolist() == ranks[0]
    pairs = list(itertools.combinations(range(n), 2))
    a, b = ranks
    alike = [(a[i] < a[j]) == (b[i] < b[j]) for i, j in pairs]
    share = np.mean(alike) if pairs else 0.5
    assert cream.kendall_consistency(now, before) == pytest.approx(share)
    rho = np.corrcoef(a, b)[0, 1] if n > 1 else 0.0
    assert cream.spearman_consistency(now, before) == pytest.approx((rho + 1) / 2)
    tops = a.index(n) == b.index(n) and a.index(1) == b.index(1)
    assert cream.top_consistency(now, before) == tops


def test_consistency_loss():
    """DPO at C = 1; without a gradient where sigmoid(z) = C."""
    z = cream.preference_logit(*map(jnp.array, (-1.0, -2.0, -3.0, -1.0)), beta=0.5)
    assert z == 0.5 * (1 + 2)
    assert cream.consistency_loss(z, 1.0) == pytest.approx(-log_sigmoid(1.5))
    for c in (0.2, 0.5, 0.9):
        best = math.log(c / (1 - c))
        slope = jax.grad(cream.consistency_loss)(best, c)
        assert slope == pytest.approx(0, abs=1e-12)
        want = -c * log_sigmoid(0.3) - (1 - c) * log_sigmoid(-0.3)
        assert cream.consistency_loss(0.3, c) == pytest.approx(want)
