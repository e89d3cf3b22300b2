"""What rounding must not do: ties stay ties, and long rows stay exact."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import apply

from rewardlab import METHODS, build, estimator
from rewardlab.objectives import pacs
from rewardlab.selection import replay
from rewardlab.testing import from_arrays

pytestmark = pytest.mark.usefixtures("strict_ranks")
AWKWARD = (0.1, 0.3, 0.7, 0.9, 1e4 + 0.1)  # none is a float; means of n of them round
RATIO = 1 - 2.0**-10  # a discount that float32 holds exactly


def test_equal_rewards_give_exactly_zero():
    """Group sums of equal numbers round; their advantages must not.

    verl gives 0.9 three times an advantage of 0.056 in float32: 6e-8 / (7e-8 + 1e-6).
    """
    rows = 7
    ragged = np.arange(5) < np.arange(1, rows + 1)[:, None] % 5 + 1
    found = [
        m.build()
        for m in METHODS.values()
        if m.reads == ("correct",)
        and {"shift", "scale"} & set(m.laws)
        and "overlong" not in m.reward  # what is too long has not earned as much
    ]
    texts = [transform.sentence for transform in found]
    texts += [f"dense('correct') | {w}" for w in ("whiten()", "center_by_group(True)")]
    column = "dense('correct') | center_by_group_position()"
    for text, mask in [(t, ragged) for t in texts] + [(column, np.ones((rows, 5)))]:
        closed = estimator(build(text))
        update = jax.jit(closed.update)
        for reward in AWKWARD:
            shape = mask.shape if "dense" in text else rows
            rollout = from_arrays(mask, correct=np.full(shape, reward))
            advantage = update({}, closed.init(rollout), rollout)[0]
            assert not np.asarray(advantage).any(), (text, reward)


def test_long_rows_in_float32():
    """65,536 tokens in float32 are within 1e-5 (of the largest) of a float64 loop."""
    width, group = 65536, 2
    reward = np.random.default_rng(0).normal(size=(group, width)) + 1.0
    reward = reward.astype(np.float32).astype(np.float64)
    step = np.tile(np.arange(width) // 8, (group, 1))
    rollout = from_arrays(np.ones((group, width)), step=step, r=reward)
    to_go, following = np.zeros_like(reward), np.zeros(group)
    for end in range(width, 0, -8):  # steps of 8 tokens
        following = reward[:, end - 8 : end].sum(axis=1) + RATIO * following
        to_go[:, end - 8 : end] = following[:, None]
    closed = {
        f"step_returns_to_go({RATIO}) | center_by_group()": to_go - to_go.mean(),
        "whiten()": (reward - reward.mean()) / reward.std(ddof=1),
    }
    for text, want in closed.items():
        transform = build(f"dense('r') | {text}")
        update = jax.jit(transform.update)
        got = update({}, transform.init(rollout), rollout)[0]["r"].value
        assert got.dtype == jnp.float32
        assert np.abs(np.asarray(got) - want).max() <= 1e-5 * np.abs(want).max(), text


@pytest.mark.parametrize("width", [1, 64, 65, 4096, 4097, 65536])
def test_plain_returns_over_many_blocks(width):
    """Sums from the right in float64, over the holes of the mask, which hold NaN."""
    rng = np.random.default_rng(width)
    mask = rng.random((3, width)) < 0.8
    mask[2] = False
    reward = rng.normal(size=mask.shape).astype(np.float32) + 1
    rollout = from_arrays(mask, r=np.where(mask, reward, np.nan))
    transform = build("dense('r') | returns_to_go()")
    got = apply(transform, rollout)["r"].value
    kept = np.where(mask, reward, 0).astype(np.float64)
    want = np.where(mask, np.cumsum(kept[:, ::-1], axis=1)[:, ::-1], 0)
    assert np.abs(np.asarray(got) - want).max() <= 1e-5 * np.abs(want).max()


SEVEN = np.full(7, 0.1, np.float32)
SCALES = (
    "scale_by_group_std(eps=0)",
    "scale_by_group_std(eps=0, ddof=0)",
    "scale_by_batch_std(eps=0)",
    "scale_by_state_std(eps=0)",
    "scale_by_first_steps_std(eps=0)",
)


def updated(sentence, **signals):
    rows = len(next(iter(signals.values())))
    rollout, closed = from_arrays(np.ones((rows, 1)), **signals), build(sentence)
    return closed.update({}, closed.init(rollout), rollout)


class TestNoSpread:
    """Rounding is not a spread: equal rewards have a standard deviation of 0."""

    @pytest.mark.parametrize("scale", SCALES)
    def test_scaled_by_no_std_they_stay(self, scale):
        rewards, _ = updated(f"outcome('correct') | {scale}", correct=SEVEN)
        assert np.array_equal(rewards["correct"].value[:, 0], SEVEN)

    @pytest.mark.parametrize("scale", ["whiten(eps=0)", "scale_by_greatest(eps=0)"])
    def test_nothing_is_divided_by_0(self, scale):
        for value in (SEVEN, 0 * SEVEN):
            rewards, _ = updated(f"outcome('correct') | {scale}", correct=value)
            assert np.isfinite(rewards["correct"].value).all()
        if "whiten" in scale:
            assert not np.asarray(rewards["correct"].value).any()

    def test_a_history_of_equal_rewards(self):
        """Batches of 7, 3 and 5 times 0.1: their means round differently."""
        word = build("outcome('correct') | standardize_by_history()")
        state = word.init(from_arrays(np.ones((7, 1)), correct=SEVEN))
        for rows in (7, 3, 5):
            rollout = from_arrays(np.ones((rows, 1)), correct=SEVEN[:1].repeat(rows))
            rewards, state = word.update({}, state, rollout)
            assert not np.asarray(rewards["correct"].value).any()

    def test_a_judge_that_says_the_same_of_all(self):
        """standardize_or_fallback leaves such a group to the other channel, at
        min_std=0."""
        words = "outcome('score') | outcome('correct')"
        words += " | standardize_or_fallback('score', 'correct', 'counts', min_std=0)"
        rewards, _ = updated(
            words, score=SEVEN, correct=3 * SEVEN, counts=0 * SEVEN + 1
        )
        assert np.array_equal(rewards["score"].value[:, 0], 3 * SEVEN)

    def test_equal_lengths_and_equal_references(self):
        rewards, _ = updated("shorter_than_correct('correct', eps=0)", correct=SEVEN)
        assert not np.asarray(rewards["brevity"].value).any()
        words = "outcome('score') | minus_reference_normal_quantile('ref', eps=0)"
        rewards, _ = updated(words, score=SEVEN, ref=SEVEN[:, None].repeat(7, 1))
        assert not np.asarray(rewards["score"].value).any()

    def test_from_the_past(self):
        got = replay.recalibrated(SEVEN, SEVEN, 0 * SEVEN, eps=0.0)
        assert not np.asarray(got).any()

    def test_equal_implicit_rewards(self):
        rollout = from_arrays(np.ones((7, 1)))
        for kind in ("grpo", "rloo", "grpo_no_std"):
            assert not np.asarray(pacs.LOGITS[kind](jnp.asarray(SEVEN), rollout)).any()


class TestOverflow:
    """Quotients of what is too small for a number."""

    @pytest.mark.parametrize("gap", [-88.0, -1000.0, 88.0])
    def test_equal_gaps_weigh_1(self, gap):
        words = "outcome('correct') | weigh_by_gap('gap', tau=0.5)"
        ones, gaps = np.ones(4, np.float32), np.full(4, gap, np.float32)
        rewards, _ = updated(words, correct=ones, gap=gaps)
        assert np.array_equal(rewards["correct"].value[:, 0], ones)

    def test_gaps_far_below(self):
        """sigmoid(-90) / sigmoid(-91) is e; the one far gap is not kept."""
        gaps = np.array([-90, -90, -90, -94], np.float32)
        words = "outcome('correct') | weigh_by_gap('gap', tau=4.0)"
        rewards, _ = updated(words, correct=np.ones(4, np.float32), gap=gaps)
        np.testing.assert_allclose(rewards["correct"].value[:, 0], math.e, rtol=1e-5)

    def test_perplexities_beyond_float32(self):
        """Both too large: nothing is saved; the base's alone: all of it is."""
        words = "perplexity('a') | perplexity('b') | relative_drop('a', base='b')"
        a, b = (np.array(x, np.float32)[:, None] for x in ([-95, -1], [-100, -100]))
        rewards, _ = updated(words, a=a, b=b)
        assert rewards["a"].value[:, 0].tolist() == [0, 1]
