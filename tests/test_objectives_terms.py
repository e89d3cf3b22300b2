"""KL terms, ways to average, the critic's loss and entropies, against loops."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from surrogates import varied

from rewardlab import objectives
from rewardlab.models.logprobs import TokenStats, token_entropy
from rewardlab.testing import from_arrays

pytestmark = pytest.mark.usefixtures("x64", "strict_ranks")
seeds = pytest.mark.parametrize("seed", [0, 1, 2])

# Value and slope in log pi, with d = log pi - log ref.
KL = {
    "k1": (lambda d: d, lambda d: 1.0),
    "k1+": (lambda d: d, lambda d: d),
    "abs": (abs, np.sign),
    "k2": (lambda d: d * d / 2, lambda d: d),
    "k3": (lambda d: math.exp(-d) + d - 1, lambda d: 1 - math.exp(-d)),
    "k3+": (lambda d: math.exp(-d) + d - 1, lambda d: d),
    "k3_unbounded": (lambda d: math.exp(-d) + d - 1, lambda d: 1 - math.exp(-d)),
    "k3_inverse": (lambda d: math.exp(d) - d - 1, lambda d: math.exp(d) - 1),
}


@pytest.mark.parametrize("kind", objectives.KL_ESTIMATORS)
@pytest.mark.parametrize("correct_bias", [False, True])
@seeds
def test_kl(kind, correct_bias, seed):
    """beta k, or beta r k with r = pi / pi_old, through which the gradient flows."""
    case, beta = varied(seed), 0.3
    ref = np.where(case.mask, case.old - 0.4, np.nan)
    rollout = from_arrays(case.mask, logp=case.old, ref_logp=ref)
    loss = objectives.kl(beta, kind, correct_bias)
    objective = objectives.objective(loss, aggregate=objectives.token_mean())

    def total(logp):
        value, metrics = objective(TokenStats(logp, 0 * logp), rollout, 0 * logp)
        return value.value, metrics

    (value, metrics), grad = jax.value_and_grad(total, has_aux=True)(
        jnp.asarray(case.logp)
    )
    of, slope = KL[kind]
    want = plain = 0.0
    for i, tokens in case.rows():
        for t in tokens:
            d = float(case.logp[i, t] - ref[i, t])
            r = math.exp(case.gap(i, t)) if correct_bias else 1.0
            want, plain = want + beta * r * of(d), plain + of(d)
            turned = slope(d) + (of(d) if correct_bias else 0)
            assert float(grad[i, t]) == pytest.approx(beta * r * turned, rel=1e-9)
    assert float(value) == pytest.approx(want, rel=1e-12)
    assert float(metrics["kl"].value) == pytest.approx(plain, rel=1e-12)
    assert not np.asarray(grad)[~case.mask].any()


def test_kl_estimators_agree_in_the_mean():
    """E_pi[k1] = E_pi[k3] = 0.25 log(.25/.5) + .75 log(.75/.5); 0 at pi = ref."""
    pi, ref = np.log([0.25, 0.75]), np.log([0.5, 0.5])
    kl = float(np.sum(np.exp(pi) * (pi - ref)))
    for kind in ("k1", "k3", "k1+", "k3+", "k3_unbounded"):
        mean = np.sum(np.exp(pi) * objectives.KL_ESTIMATORS[kind](pi, ref))
        assert float(mean) == pytest.approx(kl, rel=1e-12)
    for name, estimate in objectives.KL_ESTIMATORS.items():
        assert not np.any(estimate(pi, pi)), name


def test_k3_is_bounded_and_then_has_no_gradient():
    """As verl: at most 10, log-ratios within 20; TRL has no bound."""
    of = lambda f: (float(f(-12.0, 0.0)), float(jax.grad(f)(-12.0, 0.0)))  # noqa: E731
    assert of(objectives.kl_k3) == (10.0, 0.0)
    value, slope = of(objectives.kl_k3_unbounded)
    assert value == pytest.approx(math.exp(12) - 13)
    assert slope == pytest.approx(1 - math.exp(12))
    assert of(objectives.with_k2_gradient(objectives.kl_k3)) == (10.0, -12.0)


def test_an_unknown_estimator_is_named():
    with pytest.raises(ValueError, match="no KL estimator 'k4'; have"):
        objectives.kl(0.1, "k4")


def rows_of(case, loss):
    return {i: [float(loss[i, t]) for t in tokens] for i, tokens in case.rows()}


AGGREGATIONS = {
    "token_mean": lambda rows, n, width: (
        sum(map(sum, rows)) / sum(len(row) for row in rows)
    ),
    "sequence_mean": lambda rows, n, width: (
        sum(sum(row) / len(row) for row in rows) / len(rows)
    ),
    "sequence_mean_all": lambda rows, n, width: (
        sum(sum(row) / len(row) for row in rows) / n
    ),
    "sequence_sum": lambda rows, n, width: sum(map(sum, rows)) / len(rows),
    "sequence_sum_all": lambda rows, n, width: sum(map(sum, rows)) / n,
    "constant": lambda rows, n, width: sum(map(sum, rows)) / (n * width),
    "constant_non_empty": lambda rows, n, width: (
        sum(map(sum, rows)) / (len(rows) * width)
    ),
}


@pytest.mark.parametrize("name", AGGREGATIONS)
@seeds
def test_aggregations(name, seed):
    """Against loops over rows that have tokens, of which one has none."""
    case, width = varied(seed), 11.0
    make = getattr(objectives, name)
    aggregate = make(width) if name.startswith("constant") else make()
    loss = lambda stats, rollout, advantage: (stats.logp, {})  # noqa: E731
    objective = objectives.objective(loss, aggregate=aggregate)
    rollout = from_arrays(case.mask)
    stats = TokenStats(jnp.asarray(case.logp), jnp.zeros(case.mask.shape))
    value, _ = objective(stats, rollout, jnp.asarray(case.advantage))
    rows = list(rows_of(case, case.logp).values())
    want = AGGREGATIONS[name](rows, len(case.mask), width)
    assert float(value.mean()) == pytest.approx(want, rel=1e-12)
    none, _ = objective(stats, from_arrays(0 * case.mask), jnp.asarray(case.advantage))
    assert float(none.mean()) == 0


@pytest.mark.parametrize(
    "aggregate", [objectives.token_mean(), objectives.sequence_mean()]
)
@seeds
def test_value_loss(aggregate, seed):
    """The greater of plain and clipped squared error, over 2; how often clipped."""
    case, rng, epsilon = varied(seed), np.random.default_rng(seed), 0.3
    returns = np.where(case.mask, rng.normal(size=case.mask.shape), np.nan)
    inputs = [jnp.asarray(x) for x in (case.logp, case.old, returns, case.mask)]

    def total(value):
        parts = objectives.value_loss(value, *inputs[1:], epsilon, aggregate)
        return parts.loss.mean(), parts.clipped.mean()

    (got, share), grad = jax.value_and_grad(total, has_aux=True)(inputs[0])
    weight, count = (np.asarray(x) for x in aggregate(inputs[3]))
    want = clips = 0.0
    for i, tokens in case.rows():
        for t in tokens:
            v, old, goal = (float(x[i, t]) for x in inputs[:3])
            near = min(max(v, old - epsilon), old + epsilon)
            plain, clipped = (v - goal) ** 2, (near - goal) ** 2
            want += weight[i, t] * max(plain, clipped) / 2 / count.sum()
            clips += clipped > plain
            slope = 0.0 if clipped > plain else (v - goal)
            slope *= weight[i, t] / count.sum()
            assert float(grad[i, t]) == pytest.approx(slope, rel=1e-9, abs=1e-12)
    assert float(got) == pytest.approx(want, rel=1e-12)
    assert float(share) == pytest.approx(clips / case.mask.sum(), rel=1e-12)
    assert np.isfinite(grad).all() and not np.asarray(grad)[~case.mask].any()


def test_token_entropy():
    """log V if all are equal, 0 for one sure token, and a loop between."""
    assert float(token_entropy(jnp.zeros(5))) == pytest.approx(math.log(5))
    assert float(token_entropy(jnp.asarray([900.0, 0.0]))) == pytest.approx(0, abs=1e-9)
    p = np.array([0.5, 0.3, 0.2])
    want = -sum(x * math.log(x) for x in p)
    assert float(token_entropy(jnp.log(p) + 7)) == pytest.approx(want, rel=1e-12)
