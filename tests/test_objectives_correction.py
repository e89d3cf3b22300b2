"""Rows that another policy sampled: weights, rejection, and losses that use them."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from surrogates import clipped, varied

from rewardlab import objectives
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives import correction
from rewardlab.testing import from_arrays

pytestmark = pytest.mark.usefixtures("x64", "strict_ranks")
seeds = pytest.mark.parametrize("seed", [0, 1, 2])


def arrays(case):
    """The gap with NaN outside, and the mask."""
    return jnp.asarray(case.logp - case.old), jnp.asarray(case.mask)


def same(got, want):
    """Numbers {(row, token): x} on True tokens."""
    for place, number in want.items():
        assert float(got[place]) == pytest.approx(number, rel=1e-12, abs=1e-15), place


@seeds
def test_weights(seed):
    case = varied(seed)
    gap, mask = arrays(case)
    by_token = {(i, t): math.exp(case.gap(i, t)) for i, ts in case.rows() for t in ts}
    by_row = {
        (i, t): math.exp(sum(case.gap(i, u) for u in tokens))
        for i, tokens in case.rows()
        for t in tokens
    }
    for make, want in (
        (correction.token_weights, by_token),
        (correction.row_weights, by_row),
    ):
        got = make(gap, mask)
        assert not np.asarray(got)[~case.mask].any()
        same(got, want)
        same(
            correction.truncate(got, 1.2, 0.7),
            {p: min(max(w, 0.7), 1.2) for p, w in want.items()},
        )
        dropped = {p: w * (0.7 <= w <= 1.2) for p, w in want.items()}
        same(correction.drop(got, 1.2, 0.7), dropped)
        mean = sum(want.values()) / len(want)
        same(
            correction.normalize_by_tokens(got, mask),
            {p: w / mean for p, w in want.items()},
        )
        rows = [sum(want[i, t] for t in ts) / len(ts) for i, ts in case.rows()]
        mean = sum(rows) / len(rows)
        same(
            correction.normalize_by_rows(got, mask),
            {p: w / mean for p, w in want.items()},
        )
        geometric = {
            (i, t): math.exp(
                sum(math.log(want[i, u] + 1e-10) for u in tokens) / len(tokens)
            )
            for i, tokens in case.rows()
            for t in tokens
        }
        same(correction.geometric_mean(got, mask), geometric)


def test_weights_of_equal_policies_and_of_no_tokens():
    """Equal log-probs give 1 on the mask; nothing gives 0, normalised or not."""
    mask = jnp.asarray([[True, False], [False, False]])
    gap = jnp.asarray([[0.0, jnp.nan], [jnp.nan, jnp.nan]])
    for make in (correction.token_weights, correction.row_weights):
        assert make(gap, mask).tolist() == [[1, 0], [0, 0]]
        nothing = make(gap, mask & False)
        for normalize in (correction.normalize_by_tokens, correction.normalize_by_rows):
            assert not normalize(nothing, mask & False).any()
        far = make(jnp.full((2, 2), 500.0), mask)
        assert float(far[0, 0]) == pytest.approx(math.exp(20))


STATS = {
    "k1": (correction.token_k1, lambda q: -q),
    "k2": (correction.token_k2, lambda q: q * q / 2),
    "k3": (correction.token_k3, lambda q: math.exp(q) - 1 - q),
}


@seeds
@pytest.mark.parametrize("kind", STATS)
def test_rejection(seed, kind):
    """Statistics of tokens and rows, and what their bounds keep."""
    case = varied(seed)
    gap, mask = arrays(case)
    make, of = STATS[kind]
    stat = make(gap)
    want = {
        i: {t: of(min(max(case.gap(i, t), -20), 20)) for t in ts}
        for i, ts in case.rows()
    }
    same(stat, {(i, t): x for i, row in want.items() for t, x in row.items()})
    levels = {
        correction.row_sum: sum,
        correction.row_max: max,
        correction.row_mean: lambda x: sum(x) / len(x),
    }
    for gather, loop in levels.items():
        got = gather(stat, mask)
        rows = {i: loop(list(row.values())) for i, row in want.items()}
        same(got, {(i, t): rows[i] for i in want for t in want[i]})
        empty = ~case.mask.any(axis=1)
        assert not np.asarray(got)[empty].any()
    keep = correction.at_most(stat, 0.1)
    for i, row in want.items():
        assert all(bool(keep[i, t]) == (x <= 0.1) for t, x in row.items())


def test_bounds_of_k1_are_those_of_the_inverse_ratio():
    """k1 = log(sampler / pi): [1/2, 4] keeps pi / sampler in [1/4, 2]; u: [1/u, u]."""
    ratio = jnp.asarray([[0.2, 0.26, 1.0, 1.9, 2.1]])
    k1 = correction.token_k1(jnp.log(ratio))
    assert correction.within_ratio(k1, 4.0, 0.5).tolist() == [[0, 1, 1, 1, 0]]
    assert correction.within_ratio(k1, 2.0).tolist() == [[0, 0, 1, 1, 0]]


def losses(objective, rollout, logp, advantage):
    def total(logp):
        value, metrics = objective(TokenStats(logp, 0 * logp), rollout, advantage)
        return value.mean(), (value, metrics)

    (_, aux), grad = jax.jit(jax.value_and_grad(total, has_aux=True))(logp)
    return aux, np.asarray(grad)


@seeds
def test_rejected_tokens_leave_value_gradient_and_count(seed):
    case = varied(seed)
    rollout = from_arrays(case.mask, logp=case.old)
    keep = np.random.default_rng(seed).random(case.mask.shape) < 0.5
    objective = correction.rejecting(
        objectives.objective(objectives.clipped(), aggregate=objectives.token_mean()),
        lambda stats, rollout: jnp.asarray(keep),
    )
    (value, metrics), grad = losses(
        objective, rollout, jnp.asarray(case.logp), jnp.asarray(case.advantage)
    )
    places = [(i, t) for i, ts in case.rows() for t in ts if keep[i, t]]
    assert float(value.count) == len(places)
    want = sum(clipped(case, *p) for p in places)
    assert float(value.value) == pytest.approx(want, rel=1e-12)
    assert not grad[~keep].any()
    assert float(metrics["kept"].mean()) == pytest.approx(len(places) / case.mask.sum())


@seeds
def test_bypass_has_the_sampler_as_old_policy(seed):
    """The clip of pi / pi_sampler, whatever rollout.logp is."""
    case = varied(seed)
    rollout = from_arrays(case.mask, logp=case.logp, sampler_logp=case.old)
    loss = correction.against(objectives.clipped())
    objective = objectives.objective(loss, aggregate=objectives.token_mean())
    inputs = jnp.asarray(case.logp), jnp.asarray(case.advantage)
    (value, _), grad = losses(objective, rollout, *inputs)
    want = sum(clipped(case, i, t) for i, ts in case.rows() for t in ts)
    assert float(value.value) == pytest.approx(want, rel=1e-12)
    assert np.isfinite(grad).all()
    with pytest.raises(ValueError, match="no signal 'sampler_logp'"):
        losses(objective, from_arrays(case.mask, logp=case.old), *inputs)


@seeds
def test_a_weight_of_the_policy_of_now_has_no_gradient(seed):
    """REINFORCE times sg(pi / pi_old): its gradient is -A pi / pi_old."""
    case = varied(seed)
    rollout = from_arrays(case.mask, logp=case.old)
    loss = correction.weighted(
        objectives.reinforce(),
        lambda stats, r: correction.token_weights(stats.logp - r.logp, r.mask),
    )
    objective = objectives.objective(loss, aggregate=objectives.sequence_sum())
    _, grad = losses(
        objective, rollout, jnp.asarray(case.logp), jnp.asarray(case.advantage)
    )
    rows = len(list(case.rows()))
    for i, tokens in case.rows():
        for t in tokens:
            want = -case.advantage[i, t] * math.exp(case.gap(i, t)) / rows
            assert grad[i, t] == pytest.approx(want, rel=1e-12, abs=1e-15)
    assert not grad[~case.mask].any()


@seeds
def test_near_policy(seed):
    """A >= 0, or a row whose mean log(sampler / pi) is at most delta."""
    case = varied(seed)
    filled = dataclasses.replace(
        case,
        **{k: np.nan_to_num(getattr(case, k)) for k in ("logp", "old", "advantage")},
    )  # noqa: E501
    rollout = from_arrays(case.mask, logp=filled.old, other=filled.logp)
    stats = TokenStats(jnp.asarray(filled.logp), jnp.zeros(case.mask.shape))
    advantage = jnp.asarray(filled.advantage)
    keep = correction.near_policy(stats, rollout, advantage, 0.05)
    for i, tokens in case.rows():
        left = -sum(case.gap(i, t) for t in tokens) / len(tokens)
        for t in tokens:
            assert bool(keep[i, t]) == (case.advantage[i, t] >= 0 or left <= 0.05)
    assert correction.near_policy(stats, rollout, advantage, 0.0, "other").all()
