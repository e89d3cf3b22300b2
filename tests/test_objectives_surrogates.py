"""Policy losses against loops in float64, and what every one of them keeps."""

import functools
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from surrogates import OPTIONS, ORACLES, Case, varied

from rewardlab import objectives
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives import SURROGATES
from rewardlab.objectives.asked import READS_WHOLE
from rewardlab.objectives.covariance import first_of, token_covariance
from rewardlab.testing import from_arrays

pytestmark = pytest.mark.usefixtures("x64", "strict_ranks")
CASES = [(name, i) for name in OPTIONS for i in range(len(OPTIONS[name]))]
REGRESSIONS = ("rover",)  # the advantage is a target: tests/test_objectives_values.py
every = pytest.mark.parametrize("name", SURROGATES)
gradients = pytest.mark.parametrize("name", sorted({*SURROGATES} - {*REGRESSIONS}))
plain = pytest.mark.parametrize("name", ORACLES)
BY_TOKEN, BY_ROW = objectives.token_mean(), objectives.sequence_mean()


@functools.cache
def compiled(make, aggregate, options):
    """(loss, metrics) and the gradient to the log-probs, of any rollout."""
    objective = objectives.objective(make(**dict(options)), aggregate=aggregate)

    def total(logp, rollout, advantage):
        among = jnp.asarray(logp)[..., None]  # the sampled token is the likeliest
        stats = TokenStats(logp, 0 * logp, among=among)
        parts, metrics = objective(stats, rollout, advantage)
        return parts.mean(), metrics

    return jax.jit(jax.value_and_grad(total, has_aux=True))


def run(make, case, aggregate=BY_TOKEN, **options):
    """(loss, gradient to the log-probs, metrics)."""
    both = compiled(make, aggregate, tuple(sorted(options.items())))
    likeliest = {"top_ids": 0 * case.mask[..., None], "top_logp": case.old[..., None]}
    rollout = from_arrays(case.mask, logp=case.old, **likeliest)
    (value, metrics), grad = both(case.logp, rollout, case.advantage)
    return float(value), np.asarray(grad), {k: v.mean() for k, v in metrics.items()}


def moved(case, p, by):
    logp = case.logp.copy()
    logp[p] += by
    return Case(logp, case.old, case.advantage, case.mask)


def test_every_loss_has_an_oracle():
    assert set(ORACLES) == set(OPTIONS)
    reads_whole = set(SURROGATES).intersection(READS_WHOLE)
    assert set(SURROGATES) == {*ORACLES, *REGRESSIONS} | reads_whole


@pytest.mark.parametrize(("name", "number"), CASES)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_value_is_that_of_a_loop(name, number, seed):
    options, case = OPTIONS[name][number], varied(seed)
    want = ORACLES[name](case, **options)
    value, _, _ = run(SURROGATES[name], case, **options)
    assert value == pytest.approx(sum(want.values()) / len(want), rel=1e-12, abs=1e-14)


# Losses without a part that the gradient does not see.
SMOOTH = ("clipped", "clipped_row", "clipped_steps", "clipped_turns", "gspo", "sapo")
SMOOTH += ("gmpo", "kl_cov", "mask_off_policy", "reinforce", "dppo_ratio")


@pytest.mark.parametrize(("name", "number"), [c for c in CASES if c[0] in SMOOTH])
def test_gradient_is_the_slope_of_the_loop(name, number):
    """Central differences of the oracle, which knows no gradient."""
    options, case = OPTIONS[name][number], varied(1)
    _, grad, _ = run(SURROGATES[name], case, **options)
    h, count = 1e-6, case.mask.sum()
    for p in zip(*np.nonzero(case.mask), strict=True):
        up, down = (
            sum(ORACLES[name](moved(case, p, d), **options).values()) for d in (h, -h)
        )
        slope = (up - down) / (2 * h * count)
        assert grad[p] == pytest.approx(slope, rel=1e-5, abs=1e-8), p


WEIGHT = ("cispo", "vespo", "dppo", "dppo_top_k")


@pytest.mark.parametrize(("name", "number"), [c for c in CASES if c[0] in WEIGHT])
def test_a_detached_weight_times_the_advantage(name, number):
    """The loss is linear in log pi with the weight held: its slope is loss / log pi."""
    options, case = OPTIONS[name][number], varied(2)
    _, grad, _ = run(SURROGATES[name], case, **options)
    for p, loss in ORACLES[name](case, **options).items():
        want = loss / case.logp[p] / case.mask.sum()
        assert grad[p] == pytest.approx(want, rel=1e-12, abs=1e-15)


def test_gspo_and_gspo_token_have_one_gradient_under_the_row_mean():
    """If the advantage is one number a row; else only the values are equal."""
    case = varied(0)
    advantage = np.arange(-2.0, 4)[:, None] + 0 * case.advantage
    flat = Case(case.logp, case.old, advantage, case.mask)
    for which, same in ((flat, True), (case, False)):
        found = [
            run(SURROGATES[n], which, BY_ROW, epsilon=0.3)
            for n in ("gspo", "gspo_token")
        ]
        assert found[0][0] == pytest.approx(found[1][0], rel=1e-12)
        assert np.allclose(found[0][1], found[1][1], rtol=1e-9, atol=1e-12) == same


AGGREGATIONS = {
    "token_mean": BY_TOKEN,
    "sequence_mean_all": objectives.sequence_mean_all(),
}
# A row's loss stands on each of its tokens, so these go with a mean over the row; a
# step's ratio is a sum over it, and with no mean.
PAIRS = [
    (name, aggregation)
    for name in ORACLES
    for aggregation in AGGREGATIONS
    if name not in ("gspo", "gmpo", "clipped_turns")
    or aggregation == "sequence_mean_all"
    if name not in ("clipped_row", "clipped_steps")
]


@pytest.mark.parametrize(("name", "aggregation"), PAIRS)
def test_at_the_old_policy_the_gradient_is_minus_the_advantage(name, aggregation):
    """-A w / count on True tokens, for advantages of one number a row."""
    case, aggregate = varied(3), AGGREGATIONS[aggregation]
    value = np.array([2.0, -1.0, 0.0, 0.5, -3.0, 1.0])[:, None]
    case = Case(case.old, case.old, value + 0 * case.advantage, case.mask)
    options = {"cov_share": 0} if name == "kl_cov" else {}
    if name == "clip_cov":
        options = {"cov_low": 1e9, "cov_high": 2e9}
    _, grad, _ = run(SURROGATES[name], case, aggregate, **options)
    weight, count = aggregate(jnp.asarray(case.mask))
    want = np.where(case.mask, -value * weight / count.sum(), 0)
    np.testing.assert_allclose(grad, want, rtol=1e-12, atol=1e-15)


@gradients
def test_no_advantage_no_gradient(name):
    """A = 0 gives neither loss nor gradient, however far the policy went."""
    case = varied(0, spread=8.0)
    still = Case(case.logp, case.old, 0 * case.advantage, case.mask)
    options = {"cov_share": 0} if name == "kl_cov" else {}
    value, grad, _ = run(SURROGATES[name], still, **options)
    assert value == 0 and not grad.any()


@plain
def test_losses_scale_with_the_advantage(name):
    """c A has c times the loss and gradient: a weight >= 0 may enter through A."""
    case = varied(1)
    more = Case(case.logp, case.old, 4 * case.advantage, case.mask)
    options = {"kl_cov": {"cov_share": 0}, "clip_cov": {"cov_low": 1e9}}.get(name, {})
    one, four = (run(SURROGATES[name], c, **options) for c in (case, more))
    assert four[0] == pytest.approx(4 * one[0], rel=1e-12)
    np.testing.assert_allclose(four[1], 4 * one[1], rtol=1e-12)


@every
def test_nothing_outside_the_mask_is_read(name):
    """NaN or 0 there is the same; an empty row and an empty batch give no gradient."""
    case = varied(2)
    clean = Case(
        *(np.nan_to_num(x) for x in (case.logp, case.old, case.advantage)), case.mask
    )  # noqa: E501
    for aggregate in AGGREGATIONS.values():
        dirty, tidy = (run(SURROGATES[name], c, aggregate) for c in (case, clean))
        assert np.isfinite(dirty[1]).all() and not dirty[1][~case.mask].any()
        assert dirty[0] == tidy[0] and np.array_equal(dirty[1], tidy[1])
        assert dirty[2] == tidy[2]
        none = Case(case.logp, case.old, case.advantage, 0 * case.mask > 0)
        value, grad, metrics = run(SURROGATES[name], none, aggregate)
        assert value == 0 and not grad.any()
        assert all(np.isfinite(float(x)) for x in metrics.values())


@every
def test_a_policy_that_went_far_stays_finite(name):
    """Log-ratios of +-300 in float32."""
    sign = np.array([[1.0, -1.0], [-1.0, 1.0]])
    case = Case(300 * sign, 0 * sign, np.array([[1.0, 1.0], [-1.0, -1.0]]), sign != 0)
    with jax.enable_x64(False):
        value, grad, _ = run(SURROGATES[name], case)
    assert np.isfinite(value) and np.isfinite(grad).all()


def test_options_are_keywords_with_a_default():
    """So that a config may leave any of them out."""
    for make in SURROGATES.values():
        for parameter in inspect.signature(make).parameters.values():
            assert parameter.default is not inspect.Parameter.empty


def test_clip_cov_draws_its_share_of_the_candidates():
    """Thirty candidates among forty tokens, a fifth of which is eight; at least one."""
    case = Case(*(np.zeros((4, 10)) for _ in range(3)), np.ones((4, 10), bool))
    case.logp[:, ::2], case.logp[:, 1::2] = -1.0, -2.0
    case.advantage[:, ::2], case.advantage[:, 1::2] = 1.0, -1.0
    case.advantage[2:, 1::2] = 1.0
    cov = np.asarray(
        token_covariance(*map(jnp.asarray, (case.logp, case.advantage, case.mask)))
    )  # noqa: E501
    candidates = (cov > 0.2) & (cov < 9)
    assert candidates.sum() == 30
    make = objectives.clip_cov
    share = {"cov_share": 0.2, "cov_low": 0.2, "cov_high": 9.0}
    same = Case(case.logp, case.logp, case.advantage, case.mask)
    _, grad, metrics = run(make, same, **share)
    dropped = grad == 0
    assert dropped.sum() == 8 and not dropped[~candidates].any()
    assert float(metrics["clip_ratio/covariance_mean"]) == pytest.approx(0.2)
    _, grad, _ = run(make, same, **{**share, "cov_share": 1e-9})
    assert (grad == 0).sum() == 1


def test_first_of_takes_that_many_and_no_others():
    x = jnp.asarray([[3.0, 1.0, 1.0], [jnp.nan, 0.0, 5.0]])
    among = jnp.asarray([[True, True, True], [False, False, True]])
    for count in range(6):
        got = np.asarray(first_of(x, among, count))
        assert got.sum() == min(count, 4) and not got[~np.asarray(among)].any()
    assert np.asarray(first_of(x, among, 2)).tolist() == [
        [False, True, True],
        [False, False, False],
    ]
