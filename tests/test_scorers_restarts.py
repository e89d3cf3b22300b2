"""Segments where the policy is unsure, and what fresh completions say of them."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scored import TOKENIZER, written
from test_scorers_words import SETTING, context_of

from rewardlab.scorers.restarts import (
    begun,
    segment_at_uncertain_tokens,
    segment_values,
    whole,
)
from rewardlab.tasks import TASKS
from rewardlab.testing import from_arrays


def asked(maker, rollout, setting=SETTING):
    found = maker(setting).score((), context_of(), rollout, None)
    return {name: np.asarray(x) for name, x in found.items()}


@pytest.mark.parametrize(("every", "most"), [(1, 20), (2, 20), (3, 2)])
def test_segments_end_at_every_so_many_unsure_tokens(every, most):
    """A loop over the policy's tokens; certain ones and the environment's count not."""
    rng = np.random.default_rng(every)
    mask = rng.random((6, 12)) < 0.8
    mask[4] = False
    chance = rng.random((6, 12))
    logp = np.where(mask, np.log(chance), np.nan).astype(np.float32)
    rollout = from_arrays(mask, logp=logp)
    got = asked(segment_at_uncertain_tokens(every, 0.6, most), rollout)
    for i in range(6):
        unsure = number = 0
        for t in np.flatnonzero(mask[i]):
            assert got["segment"][i, t] == min(number, most - 1)
            assert got["uncertain"][i, t] == (chance[i, t] <= 0.6)
            if chance[i, t] < 0.6:
                unsure += 1
                number += unsure % every == 0
    assert got["segment"].max() == min(most - 1, got["segment"].max())


def test_a_prefix_becomes_a_prompt_and_a_row_again():
    rollout = written(["abcd", "xy"], group=[0, 0])
    kept = np.asarray(rollout.mask) & (np.arange(rollout.mask.shape[1]) < [[2], [0]])
    prompts, there = begun(jnp.asarray(kept), rollout, TOKENIZER.pad_id)
    text = lambda ids, where: TOKENIZER.decode(  # noqa: E731
        np.asarray(ids)[np.asarray(where)]
    )
    assert [text(*x) for x in zip(prompts, there, strict=True)] == ["qab", "q"]
    assert np.asarray(there)[:, -1].all()  # padding lies to the left
    fresh = written(["12", "3456789", "", "7"])
    rows = whole(jnp.asarray(kept), fresh, rollout, 2, TOKENIZER.pad_id)
    said = [text(*x) for x in zip(rows.tokens, rows.valid, strict=True)]
    assert said == ["ab12", "ab345", "", "7"]
    assert rows.group.tolist() == [0, 0, 0, 0]


def test_values_of_segments_are_shares_of_fresh_completions_that_are_right():
    """A task that likes rows which begin with what was kept: 1 after a good start."""
    task = TASKS["arithmetic"]
    nine = task.tokenizer.encode("9")[0]

    def verify(rows, columns):
        good = rows.valid[:, 0] & (rows.tokens[:, 0] == nine)
        return rows.with_signals(correct=good.astype(jnp.float32))

    setting = SETTING._replace(verify=verify)
    tokens = np.full((4, 5), task.tokenizer.encode("3")[0])
    tokens[:2, 0] = nine
    mask = np.arange(5) < np.array([5, 3, 5, 0])[:, None]
    rollout = from_arrays(
        mask,
        group=np.array([0, 0, 0, 0]),
        correct=np.array([0.25, 1.0, 0.5, np.nan]),
        correct_valid=np.array([True, True, True, False]),
        segment=np.tile([0, 0, 1, 1, 2], (4, 1)),
    )
    rollout = dataclasses.replace(rollout, tokens=jnp.asarray(tokens, jnp.int32))
    batch = type("B", (), {"arrays": {}})()
    score = segment_values(attempts=8, most=4)(setting).score
    got = jax.jit(lambda r: score((), context_of(), r, batch))(rollout)
    value = np.asarray(got["segment_value"])
    # After the first segment the first token is there for good; before it is drawn.
    np.testing.assert_allclose(value[0, 1:], [1.0, 1.0, 0.25, 0.25])
    np.testing.assert_allclose(value[1, 1:], [1.0, 1.0, 1.0, 1.0])
    np.testing.assert_allclose(value[2, 1:], [0.0, 0.0, 0.5, 0.5])
    assert ((0 <= value[:3, 0]) & (value[:3, 0] < 1)).all()
    assert got["segment_value_valid"].tolist() == [True, True, True, False]
