"""What the papers say of their rewards: bounds, ends of schedules, special cases."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import apply

from rewardlab import METHODS, build, estimator, hyperparameters
from rewardlab.testing import from_arrays

pytestmark = pytest.mark.usefixtures("x64", "strict_ranks")
RNG = np.random.default_rng(0)
ROWS, STEPS = 12, 3


def rows(**signals):
    """Three groups of four rows of three steps, one token a step."""
    step = np.tile(np.arange(STEPS), (ROWS, 1))
    group = np.arange(ROWS) // 4
    return from_arrays(np.ones((ROWS, STEPS)), group=group, step=step, **signals)


def until(name, word):
    """A row's sentence before `word`, with its own values."""
    method = METHODS[name]
    text = method.reward[: method.reward.index(f" | {word}")]
    known = hyperparameters(text)
    return build(text, **{k: v for k, v in method.hp.items() if k in known})


def reward(transform, rollout):
    (only,) = apply(transform, rollout).values()
    return np.asarray(only.value)


def advantage(name, rollout, **hp):
    closed = estimator(METHODS[name].build(**hp))
    return np.asarray(apply(closed, rollout))


RIGHT = np.tile([1.0, 0.0], ROWS // 2)


def test_ppr_has_the_sign_of_the_outcome():
    """In [0, 1] where the answer is right, in [-1, 0] where it is wrong."""
    rollout = rows(prm=RNG.random((ROWS, STEPS)), correct=RIGHT)
    got = reward(until("ppr", "returns_to_go"), rollout)
    low = np.where(RIGHT == 1, 0, -1)[:, None]
    assert (got >= low - 1e-12).all() and (got <= low + 1 + 1e-12).all()


def test_p_grpo_asks_for_the_answer_first():
    """Thinking of wrong answers changes nothing; any success beats any failure."""
    thinking = RNG.random(ROWS)
    other = np.where(RIGHT == 1, thinking, 1 - thinking)
    shape = until("p_grpo", "center_by_group")
    one, two = (
        reward(shape, rows(format=np.ones(ROWS), correct=RIGHT, thinking=t))[:, -1]
        for t in (thinking, other)
    )
    np.testing.assert_array_equal(one, two)
    assert one[RIGHT == 1].min() > one[RIGHT == 0].max()
    solved = rows(format=np.ones(ROWS), correct=np.ones(ROWS), thinking=thinking)
    assert advantage("p_grpo", solved).any()  # which an outcome alone has not


def test_pav_is_paid_for_progress_only():
    """No progress, no pay; the sign is that of the progress whatever the prover."""
    still = rows(success=np.full((ROWS, STEPS + 1), 0.3), correct=np.ones(ROWS))
    with jax.disable_jit():  # compiled, a product and a sum are rounded once
        assert not advantage("pav", still).any()
    chance = RNG.random((ROWS, STEPS + 1))
    moved = rows(success=chance, correct=np.ones(ROWS))
    np.testing.assert_array_equal(
        np.sign(advantage("pav", moved)), np.sign(np.diff(chance, axis=1))
    )


@pytest.mark.parametrize("name", ["trust_grpo", "trust_grpo_released"])
def test_trust_grpo_fades_to_the_outcome(name):
    """Never below the outcome, at most alpha above it, and equal to it in the end."""
    graded = RNG.integers(0, 11, ROWS) / 10
    rollout = rows(correct=graded, thinking=RNG.random(ROWS))
    shape = until(name, "center_by_group")
    got = reward(shape, rollout)[:, -1]
    assert (got >= graded - 1e-12).all() and (got <= graded + 0.3 + 1e-12).all()
    assert (got > graded).any()
    late = dataclasses.replace(rollout, iteration=jnp.asarray(10**6))
    np.testing.assert_allclose(reward(shape, late)[:, -1], graded, atol=1e-12)


def test_trust_of_judges_that_prefer_wrong_answers():
    """Means 0.2 and 0.7: the weight is exp(-0.5)."""
    rollout = rows(correct=RIGHT, thinking=np.where(RIGHT == 1, 0.2, 0.7))
    got = reward(until("trust_grpo", "center_by_group"), rollout)[:, -1]
    thinking = np.where(RIGHT == 1, 0.2, 0.7)
    np.testing.assert_allclose(got, RIGHT + 0.3 * np.exp(-0.5) * thinking)


@pytest.mark.parametrize(("now", "share"), [(0, 0.5), (250, 0.25), (500, 0), (900, 0)])
def test_atom_searcher_ends_with_the_answer(now, share):
    """(1 - alpha) F1 + alpha ATR, and -1 for a wrong format at any time."""
    f1, atr = RNG.random(ROWS), RNG.random(ROWS)
    rollout = rows(correct=f1, thinking=atr, format=RIGHT)
    rollout = dataclasses.replace(rollout, iteration=jnp.asarray(now))
    got = reward(until("atom_searcher", "center_by_group"), rollout)[:, -1]
    want = np.where(RIGHT == 1, share * atr + (1 - share) * f1, -1)
    np.testing.assert_allclose(got, want, rtol=1e-12)


def test_video_mtr_pays_nothing_for_wrong_answers():
    """Penalties are gated too; a right answer pays earlier turns less."""
    rollout = rows(iou=RNG.random((ROWS, STEPS)), correct=RIGHT)
    got = reward(until("video_mtr", "center_by_group"), rollout)
    assert not got[RIGHT == 0].any()
    flat = rows(iou=np.zeros((ROWS, STEPS)), correct=np.ones(ROWS))
    got = reward(until("video_mtr", "center_by_group"), flat)
    np.testing.assert_allclose(got, np.tile([0.95**2, 0.95, 1], (ROWS, 1)))


def test_capo_is_an_outcome_where_no_step_is_wrong():
    """Then constant in a row; in [-1, 2] always; 3 of 4 critics are not enough."""
    shape = until("capo", "center_by_group")
    clean = rows(correct=RIGHT, flaws=np.full((ROWS, STEPS), 3.0))
    got = reward(shape, clean)
    np.testing.assert_array_equal(got, np.tile(2 * RIGHT[:, None], (1, STEPS)))
    flaws = RNG.integers(0, 5, (ROWS, STEPS)).astype(float)
    got = reward(shape, rows(correct=RIGHT, flaws=flaws))
    np.testing.assert_array_equal(got, 2 * RIGHT[:, None] - (flaws == 4))


def test_rapo_makes_up_for_groups_that_agree():
    """All groups good: GRPO over n; one of three good: three times it; none: 0."""
    outcome = RNG.random(ROWS)
    plain = METHODS["rapo"].reward.replace(" | scale_by_active_groups()", "")
    closed = estimator(build(plain))
    good = np.where(np.arange(ROWS) < 4, outcome, 0.7)
    for correct, factor in ((outcome, 1), (good, 3), (np.full(ROWS, 0.7), 1)):
        rollout = rows(correct=correct)
        want = factor * apply(closed, rollout)
        got = advantage("rapo", rollout)
        np.testing.assert_allclose(got, want, rtol=1e-12)
        sums = got[:, 0].reshape(3, 4).sum(axis=1)
        np.testing.assert_allclose(sums, np.zeros(3), atol=1e-12)
    assert not got.any()


def test_score_without_a_bonus_is_the_sum():
    """alpha = 0 and equal attempts pay no bonus."""
    rollout = rows(attempt=RNG.random((ROWS, STEPS)), ref_logp=np.zeros((ROWS, STEPS)))
    got = reward(build("process('attempt') | improvement_bonus(0)"), rollout)
    np.testing.assert_array_equal(got, rollout.signals["attempt"])
    same = rows(attempt=np.ones((ROWS, STEPS)))
    got = reward(build("process('attempt') | improvement_bonus(10)"), same)
    np.testing.assert_array_equal(got, np.ones((ROWS, STEPS)))


def test_spear_hands_over_from_tools_to_answers():
    """min(1, 0.1 n) in full at first, half of it half-way, none in the end."""
    calls = np.arange(ROWS) * 2.0
    rollout = rows(correct=np.zeros(ROWS), calls=calls)
    shape = until("spear", "center_by_group")
    for now, weight in ((0, 1), (100, 0.5), (200, 0), (201, 0)):
        at = dataclasses.replace(rollout, iteration=jnp.asarray(now))
        want = weight * np.minimum(0.1 * calls, 1)
        np.testing.assert_allclose(reward(shape, at)[:, -1], want, atol=1e-12)
