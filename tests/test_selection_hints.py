"""Prompts on which every plain answer failed, and rows that somebody helped with."""

import dataclasses

import jax.numpy as jnp
import numpy as np
from test_selection_brings import ALL, FAIL, SOME, B, G, T, rollout_of

from rewardlab.selection import words_of
from rewardlab.selection.hints import needs_hint
from rewardlab.testing import from_arrays


def test_needs_hint():
    """One right answer is enough; empty rows say nothing, and neither do no rows."""
    mask = np.array([[True], [True], [True], [True], [False], [False]])
    correct = np.array([0.0, 1.0, 0.0, 0.0, 1.0, 1.0])
    rollout = from_arrays(mask, group=[0, 0, 1, 2, 2, 4])
    got = needs_hint(correct, rollout)
    assert got.tolist() == [False, True, True, False, False]


def test_needs_hint_takes_a_threshold():
    rollout = rollout_of([FAIL, [0, 0, 0, 1], ALL], 0)
    correct = rollout.signals["correct"]
    assert needs_hint(correct, rollout).tolist() == [True, False, False]
    assert needs_hint(correct, rollout, 0.25).tolist() == [True, True, False]


def test_hinted_rows_stand_under_the_plain_prompt():
    word = words_of("hint_failed('correct')")[0]
    plain = rollout_of([FAIL, SOME, FAIL], 1)
    hinted = dataclasses.replace(rollout_of([SOME, ALL, ALL], 1), logp=plain.logp - 5)
    there = {"hint_there": jnp.asarray([True, True, False])}
    after = word.replaced(plain, hinted, there)
    marks = np.asarray(after.signals["hinted"]).reshape(B, G)
    assert marks.all(axis=1).tolist() == [True, False, False] and marks.sum() == G
    np.testing.assert_array_equal(after.logp[:G], hinted.logp[:G])
    np.testing.assert_array_equal(after.logp[G:], plain.logp[G:])
    np.testing.assert_array_equal(after.prompts, plain.prompts)
    np.testing.assert_array_equal(after.signals["correct"][:G], SOME)


def test_the_experts_rows_are_the_last_of_each_prompt():
    word = words_of("expert_rows(2)")[0]
    plain = rollout_of([FAIL, SOME, FAIL], 1)
    own = np.arange(T) < np.array([[2], [3], [5]])
    text = {"expert_tokens": np.full((B, T), 77, np.int32), "expert_mask": own}
    text |= {"expert_valid": own, "expert_there": np.array([True, True, False])}
    after = word.written(plain, {k: jnp.asarray(x) for k, x in text.items()})
    marks = np.asarray(after.signals["expert"]).reshape(B, G)
    assert marks.tolist() == [[False, False, True, True]] * 2 + [[False] * G]
    assert (np.asarray(after.tokens)[marks.reshape(-1)] == 77).all()
    assert not np.asarray(after.logp)[marks.reshape(-1)].any()
    assert np.asarray(after.mask).sum(axis=1)[[2, 3, 6, 7]].tolist() == [2, 2, 3, 3]
