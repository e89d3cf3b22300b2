"""Shapers against loops over rows and steps, in float64."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
from oracle import SEEDS, agree, compiled, row, run, true_tokens, varied

from rewardlab.core.compose import only
from rewardlab.testing import from_arrays
from rewardlab.transforms.shapers import overlong_penalty

pytestmark = [
    pytest.mark.usefixtures("x64", "strict_ranks"),
    pytest.mark.parametrize("seed", SEEDS),
]


def steps(rollout):
    """The step rewards before shaping."""
    return run("process('prm')", rollout)


def each(seed, word, f):
    """A shaper that acts on every number alone."""
    rollout = varied(seed)
    want = {p: f(r) for p, r in steps(rollout).items()}
    agree(run(f"process('prm') | {word}", rollout), want)


def against_references(seed, word, f):
    """A shaper that maps a number and its row's references."""
    rollout = varied(seed)
    refs = np.asarray(rollout.signals["ref_score"])
    want = {p: f(r, refs[p[0]]) for p, r in steps(rollout).items()}
    agree(run(f"process('prm') | {word}", rollout), want)


def logistic(x):
    return 1 / (1 + math.exp(-x))


def test_clip_reward(seed):
    """min(r - eta, 0), with exactly 0 at eta."""
    each(seed, "clip_reward(0.625)", lambda r: min(r - 0.625, 0))


def test_delta(seed):
    """This minus the next; the last but one keeps its score, the last has 0."""
    rollout = varied(seed)
    before, want = steps(rollout), {}
    for i in range(12):
        scores = row(before, i)
        for k, (p, r) in enumerate(scores):
            is_last, next_is_last = k == len(scores) - 1, k == len(scores) - 2
            following = 0 if is_last or next_is_last else scores[k + 1][1]
            want[p] = 0 if is_last else r - following
    agree(run("process('prm') | delta()", rollout), want)


def test_softmin_credit(seed):
    """w_k s_k with w the softmax of -s/temperature over the row's steps."""
    rollout = varied(seed)
    before, want = steps(rollout), {}
    for i in range(12):
        weight = {p: math.exp(-r / 0.1) for p, r in row(before, i)}
        for p, r in row(before, i):
            want[p] = r * weight[p] / sum(weight.values())
    agree(run("process('prm') | softmin_credit(0.1)", rollout), want)
    cold = run("process('prm') | softmin_credit(1e-4)", rollout)
    for i in {p[0] for p in before}:
        least = min(r for _, r in row(before, i))
        assert np.isclose(sum(r for _, r in row(cold, i)), least)


def test_mean_credit(seed):
    """s_k / K."""
    rollout = varied(seed)
    before = steps(rollout)
    want = {p: r / len(row(before, p[0])) for p, r in before.items()}
    agree(run("process('prm') | mean_credit()", rollout), want)


def test_length_penalty(seed):
    """rate * (n - after) off the row's last reward, n its True tokens."""
    rollout = varied(seed)
    want = steps(rollout)
    for i in {p[0] for p in want}:
        place, reward = row(want, i)[-1]
        want[place] = reward - 0.1 * max(len(true_tokens(rollout, i)) - 5, 0)
    agree(run("process('prm') | length_penalty(after=5, rate=0.1)", rollout), want)


def test_overlong_penalty(seed):
    """From 0 at half of the 12 columns to 2 at all of them, whatever their number."""
    rollout = varied(seed)
    want, width = steps(rollout), rollout.mask.shape[1]
    for i in {p[0] for p in want}:
        place, reward = row(want, i)[-1]
        beyond = max(len(true_tokens(rollout, i)) / width - 0.5, 0)
        want[place] = reward - 2.0 * beyond / 0.5
    agree(
        run("process('prm') | overlong_penalty(after=0.5, max_penalty=2.0)", rollout),
        want,
    )
    with pytest.raises(ValueError, match="below 1"):
        overlong_penalty(after=300)


def test_cap(seed):
    """min(r, c)."""
    each(seed, "cap(0.5)", lambda r: min(r, 0.5))


def test_sigmoid(seed):
    """1 / (1 + exp(-k (r - at)))."""
    each(seed, "sigmoid(k=3.0, at=0.4)", lambda r: logistic(3 * (r - 0.4)))


def test_log_sigmoid(seed):
    """log sigma(r)."""
    each(seed, "log_sigmoid()", lambda r: math.log(logistic(r)))


def test_tanh(seed):
    """tanh(r)."""
    each(seed, "tanh()", math.tanh)


def test_fitted_polynomial(seed):
    """To 1e-5 the least-squares quintic to the sigmoid inside +-5; 0 and 1 outside."""
    x = np.linspace(-5, 5, 100)
    fit = np.polyfit(x, 1 / (1 + np.exp(-x)), 5)
    score = np.random.default_rng(seed).uniform(-8, 8, 20)
    score[:3] = (-5, 5, 0)
    rollout = from_arrays(np.ones((20, 1)), score=score)
    got = run("outcome('score') | fitted_polynomial()", rollout)
    for i, r in enumerate(score):
        want = np.polyval(fit, r) if abs(r) < 5 else float(r > 0)
        assert abs(got[i, 0] - want) < 1e-5


def test_relative(seed):
    """mean_j f(r - R_j) over the first references, for any f without state."""
    text = "relative('ref_score', tanh(), num_references=3)"
    f = lambda r, refs: np.mean([math.tanh(r - x) for x in refs[:3]])  # noqa: E731
    against_references(seed, text, f)


def test_par(seed):
    """mean_j sigma(k (r - R_j)) over ten references; equal scores give 1/2."""
    f = lambda r, refs: np.mean([logistic(2 * (r - x)) for x in refs])  # noqa: E731
    against_references(seed, "par('ref_score', k=2.0)", f)
    same = from_arrays(
        np.ones((2, 1)), score=[3.0, -40.0], ref=[[3.0] * 4, [-40.0] * 4]
    )
    assert run("outcome('score') | par('ref')", same) == {(0, 0): 0.5, (1, 0): 0.5}


def test_minus_reference_mean(seed):
    """r - mean of the first references."""
    text = "minus_reference_mean('ref_score', num_references=4)"
    against_references(seed, text, lambda r, refs: r - np.mean(refs[:4]))


def test_minus_reference_quantile(seed):
    """r - the quantile, linear between the two references next to it."""

    def f(r, refs):
        refs, at = sorted(refs), 0.85 * (len(refs) - 1)
        low, part = int(at), at - int(at)
        return r - (refs[low] * (1 - part) + refs[low + 1] * part)

    against_references(seed, "minus_reference_quantile('ref_score')", f)


def test_minus_reference_normal_quantile(seed):
    """r - (mean + z (std + 1e-5)), std over R - 1; z_0.85 = 1.0364333894937898."""

    def f(r, refs):
        mean = sum(refs) / 10
        std = math.sqrt(sum((x - mean) ** 2 for x in refs) / 9)
        return r - mean - 1.0364333894937898 * (std + 1e-5)

    against_references(seed, "minus_reference_normal_quantile('ref_score')", f)


def through_history(word, f, seed):
    """Three batches, of which the second has nothing placed; `f(batch, all so far)`."""
    init, update = compiled(f"process('prm') | {word}")
    rollout, seen = varied(seed), []
    state = init(rollout)
    for batch in (varied(seed), None, varied(seed + 1)):
        rollout = batch or rollout.with_signals(prm_valid=jnp.zeros((12, 4), bool))
        rewards, state = update({}, state, rollout)
        reward, before = only(rewards), steps(rollout)
        seen += list(before.values())
        for p, r in before.items():
            assert np.isclose(reward.value[p], f(r, np.array(seen)), rtol=1e-12)
        assert not np.asarray(reward.value)[~np.asarray(reward.placed)].any()


def test_standardize_by_history(seed):
    """(r - mean) / std of everything seen, this batch included."""
    f = lambda r, seen: (r - seen.mean()) / seen.std()  # noqa: E731
    through_history("standardize_by_history()", f, seed)


def test_clip_by_history(seed):
    """r within one std of the mean of everything seen."""

    def f(r, seen):
        return min(max(r, seen.mean() - seen.std()), seen.mean() + seen.std())

    through_history("clip_by_history()", f, seed)


def test_minmax_by_history(seed):
    """(r - min) / (max - min) of everything seen; 0 while all of it is equal."""
    f = lambda r, seen: (r - seen.min()) / (seen.max() - seen.min())  # noqa: E731
    through_history("minmax_by_history()", f, seed)
    equal = from_arrays(np.ones((3, 1)), score=[seed + 0.1] * 3)
    assert set(run("outcome('score') | minmax_by_history()", equal).values()) == {0.0}


def test_episode_return(seed):
    """The row's total on its last True token."""
    rollout = varied(seed)
    before = steps(rollout)
    want = {
        (i, true_tokens(rollout, i)[-1]): sum(r for _, r in row(before, i))
        for i in {p[0] for p in before}
    }
    agree(run("process('prm') | episode_return()", rollout), want)
