"""Which rows and prompts the words of `select` keep, against loops."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

from rewardlab.methods.sentence import build
from rewardlab.selection import select_rows
from rewardlab.testing import from_arrays, ragged

SEEDS = range(3)


def kept(text, rollout):
    """Which rows still have a True token."""
    return np.asarray(select_rows(text)(rollout).mask).any(axis=1)


def some(seed, **signals):
    """Twelve rows of three prompts, one of them empty, and whether each is there."""
    rollout = ragged(seed, prompts=3, samples=4).with_signals(**signals)
    return rollout, rollout.mask.any(axis=1)


def by_group(rollout, there):
    """The rows that are there, a list for each prompt."""
    return [
        [i for i in np.flatnonzero(there) if rollout.group[i] == g] for g in range(3)
    ]


@pytest.mark.parametrize("share", [0.1, 0.29, 0.5, 1.0])
def test_the_first_rows_of_each_prompt(share):
    """floor(share * n) of those that are there, and one at least."""
    for seed in SEEDS:
        rollout, there = some(seed)
        want = np.zeros(12, bool)
        for rows in by_group(rollout, there):
            want[rows[: max(math.floor(share * len(rows)), 1)]] = True
        np.testing.assert_array_equal(kept(f"keep_first({share})", rollout), want)


def test_of_64_rows_32_are_the_first():
    mask = np.ones((128, 2), bool)
    rollout = from_arrays(mask, np.repeat([0, 1], 64))
    assert np.flatnonzero(kept("keep_first(share=0.5)", rollout)).tolist() == [
        *range(32),
        *range(64, 96),
    ]


def test_a_share_is_at_most_1():
    with pytest.raises(ValueError, match="share=32 must be at least 0 and at most 1"):
        select_rows("keep_first(share=32)")


def test_dropped_rows_vote():
    """The majority of all six answers is 2; of the three that are kept it is 1."""
    answer = np.array([1, 1, 2, 2, 2, 2])
    rollout = from_arrays(np.ones((6, 2), bool), answer_id=answer)
    source = build("majority_vote('answer_id')")
    left = select_rows("keep_first(0.5)")(rollout)
    reward, _ = source.update({}, source.init(left), left)
    voted = np.asarray(reward["answer_id"].value).sum(axis=1)
    assert voted.tolist() == [0, 0, 1, 0, 0, 0]
    has = np.asarray(reward["answer_id"].has_value)
    assert has.tolist() == [True] * 3 + [False] * 3


@pytest.mark.parametrize("share", [0.34, 0.75, 1.0])
def test_the_prompts_that_vary_most(share):
    """Rows that abstain count for no spread and are dropped; of equals the first."""
    for seed in SEEDS:
        valid = np.random.default_rng(seed).random(12) < 0.8
        rollout, there = some(seed, score_valid=valid)
        score, there = rollout.signals["score"], there & valid
        groups = by_group(rollout, there)
        spread = [np.std(score[rows]) if rows else 0 for rows in groups]
        best = sorted(range(3), key=lambda g: -spread[g])[: int(share * 3)]
        want = [bool(there[i]) and rollout.group[i] in best for i in range(12)]
        text = f"keep_varied('score', share={share})"
        np.testing.assert_array_equal(kept(text, rollout), want)


def test_the_best_and_the_worst():
    """All that equal the extremes of their prompt."""
    for seed in SEEDS:
        score = np.random.default_rng(seed).integers(0, 3, 12).astype(float)
        valid = np.random.default_rng(seed).random(12) < 0.8
        rollout, there = some(seed, score=score, score_valid=valid)
        want = np.zeros(12, bool)
        for rows in by_group(rollout, there & valid):
            ends = {score[rows].min(), score[rows].max()} if rows else set()
            want[[i for i in rows if score[i] in ends]] = True
        np.testing.assert_array_equal(
            kept("keep_best_and_worst('score')", rollout), want
        )


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_consistent_rows(share):
    """Step by step as PROF's text has it."""
    for seed in SEEDS:
        valid = np.random.default_rng(seed).random((12, 4)) < 0.9
        rollout, there = some(seed, prm_valid=valid)
        outcome, prm = rollout.signals["correct"], rollout.signals["prm"]
        own = [
            [prm[i, s] for s in range(4) if valid[i, s] and has_step(rollout, i, s)]
            for i in range(12)
        ]
        mu = np.mean([p for row in own for p in row])
        critic = {}
        for i in np.flatnonzero(there):
            sign = 1 if outcome[i] >= 0.5 else -1
            critic[i] = sign * np.mean([2 * (p - mu) for p in own[i]] or [0.0])
            critic[i] -= 10 * (len(own[i]) < 2 or len(own[i]) > 30)
        want = there.copy()
        for rows in by_group(rollout, there):
            right = sorted((i for i in rows if outcome[i] >= 0.5), key=critic.get)
            wrong = sorted((i for i in rows if outcome[i] < 0.5), key=critic.get)
            out = math.floor(share * len(rows))
            n = max(min(out, round((len(right) - len(wrong) + out) / 2)), 0)
            want[right[:n] + wrong[: out - n]] = False
        text = f"keep_consistent('correct', steps='prm', share={share})"
        np.testing.assert_array_equal(kept(text, rollout), want)


def has_step(rollout, i, s):
    """Whether row i has a True token in step s."""
    return bool(np.any(rollout.mask[i] & (rollout.step[i] == s)))


def test_what_a_sentence_reads():
    """Two rows of one prompt and two of another, of which all are equal."""
    rollout = from_arrays(
        np.ones((4, 1), bool), [0, 0, 1, 1], score=jnp.asarray([1.0, 0, 1, 1])
    )
    text = "keep_varied('score', share=0.5) | keep_first(0.5)"
    assert kept(text, rollout).tolist() == [True, False, False, False]
