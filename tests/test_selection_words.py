"""Rows that `select` drops are in no baseline, no average and no gradient."""

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from test_learner import B, G, bigram, make_rollout

from rewardlab import default_config, objectives
from rewardlab.core.compose import estimator
from rewardlab.learning.learner import Parts, learner
from rewardlab.learning.parallel import jit_driver
from rewardlab.methods import sentence
from rewardlab.runs.aliases import wanted
from rewardlab.selection import SELECTORS, select_rows

DROP = "drop_uniform('correct')"
WHITENED = "outcome('correct') | broadcast_to_tokens() | whiten()"


def verdicts(values, **signals):
    """A rollout with these verdicts [B][G], every row with a token."""
    rollout = make_rollout()
    mask = rollout.mask.at[:, 0].set(True)
    signals = {"correct": jnp.asarray(values, jnp.float32).reshape(-1), **signals}
    return dataclasses.replace(rollout, mask=mask, valid=mask, signals=signals)


def kept(text, rollout):
    """Which rows still have a token, a list for each prompt."""
    mask = select_rows(text)(rollout).mask
    return np.asarray(mask).any(axis=1).reshape(B, G).tolist()


def test_a_prompt_without_differences_is_dropped():
    values = np.full((B, G), 0.7, np.float32)
    values[1, 2] = 0.0
    assert kept(DROP, verdicts(values)) == [[i == 1] * G for i in range(B)]


def test_what_abstained_makes_no_difference():
    """Row 3 of prompt 1 has another number, and no verdict: nothing is learned there.

    Of prompt 2 one row alone has a verdict; a group of one stays.
    """
    values, heard = np.zeros((B, G)), np.ones((B, G), bool)
    values[1, 3], heard[1, 3], heard[2, 1:] = 5.0, False, False
    rollout = verdicts(values, correct_valid=jnp.asarray(heard.reshape(-1)))
    assert kept(DROP, rollout) == [
        [(i, j) == (2, 0) for j in range(G)] for i in range(B)
    ]


def test_prompts_of_middling_accuracy_are_kept():
    """The bounds themselves are middling; a row without a verdict is not asked."""
    values, heard = np.zeros((B, G)), np.ones((B, G), bool)
    values[1], values[2], heard[2, 3] = [1, 0, 0, 0], [1, 1, 1, 0], False
    rollout = verdicts(values, correct_valid=jnp.asarray(heard.reshape(-1)))
    want = [[i == 1] * G for i in range(B)]
    assert kept("keep_middling('correct', low=0.25)", rollout) == want
    assert not np.any(kept("keep_middling('correct', low=0.3)", rollout))


def test_a_spread_that_is_too_small_drops_too():
    values = np.tile([0.0, 0.1, 0.0, 0.1], (B, 1))  # std 0.05
    values[0] = [0, 1, 0, 1]  # std 0.5
    text = "drop_uniform('correct', min_std=0.3)"
    assert kept(text, verdicts(values)) == [[i == 0] * G for i in range(B)]


PROMPTS = ("prompts", "prompt_mask")


def test_a_step_is_that_of_the_other_rows_alone():
    """Statistics of the batch and the divisor of the loss: as if it were not there."""
    values = np.random.default_rng(1).integers(0, 2, (B, G))
    values[:, 0], values[:, 1], values[3] = 0, 1, 1
    rollout = verdicts(values)
    rest = np.flatnonzero(np.arange(B * G) // G != 3)
    group = jnp.repeat(jnp.arange(B - 1), G)
    without = jax.tree.map(lambda x: x[rest] if x.shape[:1] == (B * G,) else x, rollout)
    of = {k: jnp.delete(getattr(rollout, k), 3, axis=0) for k in PROMPTS}
    without = dataclasses.replace(without, group=group, **of)
    one, report = step(rollout, select_rows(DROP))
    np.testing.assert_allclose(one, step(without, None)[0], rtol=1e-5)
    assert float(report.metrics["frac_rows_selected"]) == pytest.approx(1 - 1 / B)
    assert bool(report.reward.has_value[3 * G])  # the record has every row


def step(rollout, select):
    """One step of gradient descent on the whitened outcome, averaged by token."""
    text = sentence.build(WHITENED)
    parts = Parts(
        bigram,
        estimator(text),
        sentence.shaped_reward(text),
        objectives.objective(objectives.clipped(), aggregate=objectives.token_mean()),
        optax.sgd(1.0),
    )
    learn = learner(lambda hp: parts, jit_driver(jax.devices()[:1]), select=select)
    table = jax.random.normal(jax.random.key(0), (7, 7))
    state, report = learn.update(learn.init({"table": table}, rollout), rollout)
    return np.asarray(state.params["table"]), report


@pytest.mark.parametrize("text", ["drop(1)", "drop_uniform", "drop_uniform(", "a | b"])
def test_what_is_no_sentence_is_said(text):
    with pytest.raises(ValueError, match="selector|not a sentence"):
        select_rows(text)


def test_nothing_to_say_keeps_every_row():
    assert select_rows(" ") is None


def test_the_page_names_every_word():
    page = Path(__file__).parents[1] / "docs" / "adding-a-method.md"
    assert [w for w in SELECTORS if f"`{w}`" not in page.read_text()] == []


def test_a_run_makes_what_a_selection_reads():
    """`prof`'s sentence reads verdicts alone; its selection reads the steps' scores."""
    config = default_config()
    config.reward, config.signals = "prof", "prm=hop"
    assert wanted(config) == {"correct", "hop"}
    config.select = ""
    assert wanted(config) == {"correct"}
    config.reward, config.select = "grpo", "keep_varied('score')"
    assert wanted(config) == {"correct", "score"}
