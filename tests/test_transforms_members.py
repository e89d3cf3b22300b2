"""Members of an ensemble, and what joins them, against loops in float64."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
from oracle import SEEDS, agree, apply, run, true_tokens, varied

from rewardlab import build, reads
from rewardlab.testing import from_arrays

pytestmark = [
    pytest.mark.usefixtures("x64", "strict_ranks"),
    pytest.mark.parametrize("seed", SEEDS),
]

K = 5


def judged(seed):
    """A varied rollout with an ensemble, of which two rows and some members abstain.

    Scores are eighths, so there are ties; NaN stands wherever nothing may be read.
    """
    rng, rollout = np.random.default_rng(seed), varied(seed)
    scores = rng.integers(-8, 9, (12, K)) / 8
    heard = rng.random((12, K)) > 0.2
    heard[1], heard[2] = False, np.arange(K) == 3
    spread = np.where(heard, rng.integers(1, 5, (12, K)) / 4, np.nan)
    signals = {"rm": np.where(heard, scores, np.nan), "rm_valid": heard}
    signals |= {"spread": spread}
    return rollout.with_signals(**{k: jnp.asarray(v) for k, v in signals.items()})


def rows(rollout):
    """The last place and the members' scores of each row that has some."""
    for i in range(12):
        tokens, heard = true_tokens(rollout, i), rollout.signals["rm_valid"][i]
        scores = [float(r) for r in rollout.signals["rm"][i][heard]]
        if tokens and scores:
            yield (i, tokens[-1]), scores


def each(seed, word, f):
    rollout = judged(seed)
    agree(run(f"members('rm') | {word}", rollout), {p: f(s) for p, s in rows(rollout)})


def test_members(seed):
    """Column k is the channel rm_k, on the last token of the rows that have it."""
    rollout = judged(seed)
    transform = build("members('rm')")
    channels = apply(transform, rollout)
    assert list(channels) == [f"rm_{k}" for k in range(K)]
    assert reads(transform) == {"rm"}
    for k in range(K):
        placed = np.asarray(channels[f"rm_{k}"].placed)
        value = np.asarray(channels[f"rm_{k}"].value)
        for i in range(12):
            tokens = true_tokens(rollout, i)
            has = bool(tokens) and bool(rollout.signals["rm_valid"][i, k])
            assert placed[i].sum() == has
            if has:
                assert value[i, tokens[-1]] == rollout.signals["rm"][i, k]


def test_min_uncertainty_member(seed):
    """The score with the least spread; the first of equals."""
    rollout, want = judged(seed), {}
    for place, _ in rows(rollout):
        best, least = 0.0, math.inf
        for k in range(K):
            if rollout.signals["rm_valid"][place[0], k]:
                doubt = float(rollout.signals["spread"][place[0], k])
                if doubt < least:
                    best, least = float(rollout.signals["rm"][place[0], k]), doubt
        want[place] = best
    agree(run("min_uncertainty_member('rm', 'spread')", rollout), want)


def test_mean_of(seed):
    """The mean of the members that speak."""
    each(seed, "mean_of('rm')", lambda s: sum(s) / len(s))


def test_min_of(seed):
    """The least of them."""
    each(seed, "min_of('rm')", min)


def test_median_of(seed):
    """The middle one, or the mean of the middle two."""
    each(seed, "median_of('rm')", lambda s: float(np.median(s)))


def test_a_member_that_is_not_a_number_has_no_median(seed):
    """So that the row is named, whatever the others say."""
    rm = np.roll([1.0, np.nan, 2.0], seed), np.roll([1.0, 5.0, 2.0], seed)
    rollout = from_arrays(np.ones((2, 1)), rm=np.stack(rm))
    (reward,) = apply(build("members('rm') | median_of('rm')"), rollout).values()
    np.testing.assert_array_equal(reward.value[:, 0], [np.nan, 2.0])


def test_mean_minus_variance_of(seed):
    """mean - weight * variance; one member has none, whatever the divisor."""

    def lower(ddof):
        def f(s):
            mean, free = sum(s) / len(s), len(s) - ddof
            squares = sum((r - mean) ** 2 for r in s)
            return mean - 0.5 * (squares / free if free else 0)

        return f

    for ddof in (0, 1):
        word = f"mean_minus_variance_of('rm', weight=0.5, ddof={ddof})"
        each(seed, word, lower(ddof))


def test_worst_mean_of(seed):
    """The member whose mean over rows is least, in every row; 0 where it is silent."""
    rollout = judged(seed)
    means = []
    for k in range(K):
        there = [
            float(rollout.signals["rm"][p[0], k])
            for p, _ in rows(rollout)
            if rollout.signals["rm_valid"][p[0], k]
        ]
        means.append(sum(there) / len(there) if there else math.inf)
    worst = min(range(K), key=lambda k: means[k])
    want = {
        p: float(jnp.nan_to_num(rollout.signals["rm"][p[0], worst]))
        for p, _ in rows(rollout)
    }
    agree(run("members('rm') | worst_mean_of('rm')", rollout), want)


def test_the_worst_expected_head_is_no_worse_than_the_expected_worst(seed):
    """mean of min_k <= min_k of means, and all coincide for identical members."""
    rng = np.random.default_rng(seed)
    rollout = from_arrays(np.ones((6, 2)), rm=rng.normal(size=(6, K)))
    total = lambda word: sum(run(f"members('rm') | {word}", rollout).values())  # noqa: E731
    assert total("worst_mean_of('rm')") >= total("min_of('rm')")
    same = rollout.with_signals(rm=jnp.tile(rollout.signals["rm"][:, :1], (1, K)))
    words = ("min_of()", "mean_of()", "median_of()", "mean_minus_variance_of()")
    first, *others = (run(f"members('rm') | {w}", same) for w in words)
    for other in others:
        agree(other, first)


def test_geometric_mean_of(seed):
    """The root of the product of sizes, below 0 if any is; 0 if any is 0."""

    def root(s, product_sign=False):
        size = math.prod(abs(r) for r in s) ** (1 / len(s))
        below = sum(r < 0 for r in s)
        return -size if (below % 2 if product_sign else below > 0) else size

    each(seed, "geometric_mean_of('rm')", root)
    word = "geometric_mean_of('rm', product_sign=True)"
    each(seed, word, lambda s: root(s, True))
    equal = from_arrays(np.ones((2, 1)), rm=[[-0.5] * 3, [1e-200] * 3])
    got = run("members('rm') | geometric_mean_of('rm')", equal)
    agree(got, {(0, 0): -0.5, (1, 0): 1e-200})
