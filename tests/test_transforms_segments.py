"""Words of prefixes, columns and group means against loops, in float64."""

import numpy as np
import pytest
from oracle import GROUPS, SEEDS, agree, row, run, step_tokens, true_tokens, varied

from rewardlab.testing import from_arrays

pytestmark = pytest.mark.usefixtures("x64", "strict_ranks")
SOURCES = ("outcome('correct')", "process('prm')", "dense('dense')")
seeds = pytest.mark.parametrize("seed", SEEDS)
sources = pytest.mark.parametrize("source", SOURCES)


def family(rewards, i):
    """All rewards of i's group."""
    return [r for (j, _), r in rewards.items() if GROUPS[j] == GROUPS[i]]


@seeds
@sources
@pytest.mark.parametrize("eps", [1e-6, 0.25])
def test_scale_by_group_mean(seed, source, eps):
    """r / (mean + eps); all of a group are 0 where it has one reward, or mean <= 0."""
    rollout = varied(seed)
    before, want = run(source, rollout), {}
    for place, r in before.items():
        own = family(before, place[0])
        mean = sum(own) / len(own)
        want[place] = r / (mean + eps) if len(own) > 1 and mean > 0 else 0.0
    assert any(want.values()) and not all(want.values())
    agree(run(f"{source} | scale_by_group_mean(eps={eps})", rollout), want)


@pytest.mark.parametrize(
    ("rewards", "want"),
    [
        ([1, 0, 0, 0], [3, -1, -1, -1]),
        ([1, 1, 1, 1], [0, 0, 0, 0]),
        ([0, 0, 0, 0], [0, 0, 0, 0]),
        ([8, 0, 0, 0], [3, -1, -1, -1]),  # no scale
        ([-1, 0, 0, 0], [0, 0, 0, 0]),  # the released code turns the signs over
    ],
)
def test_a_rare_success_weighs_more(rewards, want):
    """k right of G: (G - k) / k for the right ones and -1 for the others."""
    rollout = from_arrays(np.ones((4, 1)), correct=np.array(rewards, float))
    text = "outcome('correct') | scale_by_group_mean(eps=0.0) | center_by_group()"
    agree(run(text, rollout), {(i, 0): x for i, x in enumerate(want)})


@seeds
@sources
@pytest.mark.parametrize("alpha", [0.0, 0.2, 1.5])
def test_amplify(seed, source, alpha):
    """A + alpha |A| w, a number or a mask."""
    rollout, rng = varied(seed), np.random.default_rng(seed)
    weight = rng.random((12, 12))
    poisoned = np.where(rollout.mask, weight, np.nan)
    rollout = rollout.with_signals(w=poisoned, marked=weight > 0.5)
    before = run(source, rollout)
    for name, w in (("w", weight), ("marked", weight > 0.5)):
        want = {p: a + alpha * abs(a) * w[p] for p, a in before.items()}
        agree(run(f"{source} | amplify('{name}', alpha={alpha})", rollout), want)


def test_amplify_wants_a_weight_a_token():
    rollout = from_arrays(np.ones((2, 3)), correct=np.ones(2))
    with pytest.raises(ValueError, match="needs a weight a token"):
        run("outcome('correct') | amplify('correct')", rollout)


@seeds
@sources
def test_accumulate(seed, source):
    """The sum of the rewards up to a token, on every True token of rows with one."""
    rollout = varied(seed)
    before, want = run(source, rollout), {}
    for i in {p[0] for p in before}:
        total = 0.0
        for t in true_tokens(rollout, i):
            total = want[i, t] = total + before.get((i, t), 0.0)
    agree(run(f"{source} | accumulate()", rollout), want)


@seeds
@sources
def test_center_by_group_column(seed, source):
    """r - mean of the group's rewards in the column; lone rewards are removed."""
    rollout = varied(seed)
    before, want = run(source, rollout), {}
    for (i, t), r in before.items():
        others = [
            x for (j, s), x in before.items() if s == t and GROUPS[j] == GROUPS[i]
        ]
        if len(others) > 1:
            want[i, t] = r - sum(others) / len(others)
    agree(run(f"{source} | center_by_group_column()", rollout), want)


@seeds
@sources
@pytest.mark.parametrize(("eps", "ddof"), [(1e-6, 1), (0.1, 0)])
def test_scale_by_outcome_std(seed, source, eps, ddof):
    """A / (std of `score` over the rows of the group that have a token, + eps)."""
    rollout = varied(seed)
    before, score = run(source, rollout), np.asarray(rollout.signals["correct"])
    heard = [i for i, _ in run("outcome('correct')", rollout)]
    want = {}
    for (i, t), r in before.items():
        own = [score[j] for j in heard if GROUPS[j] == GROUPS[i]]
        std = 1.0
        if len(own) > ddof:
            mean = sum(own) / len(own)
            std = (sum((x - mean) ** 2 for x in own) / (len(own) - ddof)) ** 0.5
        want[i, t] = r / (std + eps)
    text = f"{source} | scale_by_outcome_std('correct', eps={eps}, ddof={ddof})"
    agree(run(text, rollout), want, tol=1e-9)


def test_equal_outcomes_have_no_spread():
    """A std of exactly 0 with eps 0 divides nothing, and no row is NaN."""
    rollout = from_arrays(np.ones((3, 1)), correct=np.full(3, 0.1), a=np.ones((3, 1)))
    got = run("dense('a') | scale_by_outcome_std('correct', eps=0.0)", rollout)
    agree(got, {(i, 0): 1.0 for i in range(3)})


@seeds
@pytest.mark.parametrize("start", ["", "begin"])
def test_prefix_gain(seed, start):
    """V - V of the True token before, or of the prompt; abstained rows have none."""
    rollout, rng = varied(seed), np.random.default_rng(seed)
    value = np.where(rollout.mask, rng.normal(size=(12, 12)), np.nan)
    begin = np.where(np.asarray(rollout.mask).any(1), rng.normal(size=12), np.nan)
    valid = np.arange(12) != 4
    rollout = rollout.with_signals(v=value, begin=begin, v_valid=valid)
    want = {}
    for i in np.flatnonzero(valid):
        before = begin[i] if start else 0.0
        for t in true_tokens(rollout, i):
            want[i, t], before = value[i, t] - before, value[i, t]
    got = run(f"prefix_gain('v', start='{start}')", rollout)
    agree(got, want)
    for i in {p[0] for p in got}:  # the gains add up
        total = sum(r for _, r in row(got, i))
        last = value[i, true_tokens(rollout, i)[-1]]
        assert total == pytest.approx(last - (begin[i] if start else 0))


def test_prefix_gain_wants_a_value_a_token():
    rollout = from_arrays(np.ones((2, 3)), correct=np.ones(2))
    with pytest.raises(ValueError, match="needs a value a token"):
        run("prefix_gain('correct')", rollout)


@seeds
@pytest.mark.parametrize(("strength", "most"), [(0.5, 2.0), (3.0, 1.5), (0.0, 1.0)])
def test_redistribute_within_row(seed, strength, most):
    """A + strength |A| D / (max(0, max D) + eps), within [0, most A]; unscored: A."""
    rollout, text = varied(seed), "dense('dense')"
    before, score = run(text, rollout), run("process('prm')", rollout)
    want, moved = dict(before), 0
    for i in {p[0] for p in before}:
        scored = {
            t: score[i, tokens[-1]]
            for _, tokens in step_tokens(rollout, i)
            for t in tokens
            if (i, tokens[-1]) in score
        }
        mean = sum(scored.values()) / max(len(scored), 1)
        top = max([0.0, *(s - mean for s in scored.values())]) + 1e-6
        for t, s in scored.items():
            a = before[i, t]
            new = a + strength * abs(a) * (s - mean) / top
            want[i, t] = min(max(new, min(most * a, 0)), max(most * a, 0))
            moved += want[i, t] != a
    assert moved or not strength
    got = run(f"{text} | redistribute_within_row('prm', {strength}, {most})", rollout)
    agree(got, want, tol=1e-9)
    for p, a in before.items():
        assert got[p] * a >= 0


def test_the_sum_over_tokens_stays_the_rows():
    """Before the bounds cut; long steps weigh by their tokens."""
    rollout = from_arrays(
        np.ones((1, 10)),
        step=np.repeat([0, 1, 2], [5, 3, 2])[None],
        a=np.full((1, 10), 0.5),
        prm=np.array([[4.0, 3.0, 2.0]]),
    )
    got = run("dense('a') | redistribute_within_row('prm', 0.5, 9.0)", rollout)
    assert sum(got.values()) == pytest.approx(5.0)
    assert got[0, 0] == pytest.approx(0.75, abs=1e-5)


def test_redistribute_within_row_wants_scores_of_steps():
    rollout = from_arrays(np.ones((2, 3)), correct=np.ones(2))
    with pytest.raises(ValueError, match="needs scores"):
        run("outcome('correct') | redistribute_within_row('correct')", rollout)
