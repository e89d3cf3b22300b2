"""Laws of every scorer that learns: a word more is a line more in the table.

The table is `WORDS` of `tests/learning_scorers.py`. Order of rows and padding, devices
and micro-batches, a stop and going on, gradients that do not cross, labels that are
absent, NaN or of one class.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learning_scorers import (
    PROMPTS,
    SAMPLES,
    STEPS,
    TOKENS,
    WORDS,
    Case,
    Learning,
    case,
    context,
    moved,
    near,
    one_device,
    rewarded,
    same,
    scorers,
    whole,
)

from rewardlab.core.types import Rollout
from rewardlab.learning.parallel import jit_driver, pmap_driver
from rewardlab.runs import checkpoint

JUMPS = ("accuracy", "auc")  # where two scores are nearly equal
EVERY = [
    pytest.param(name, marks=[pytest.mark.slow] if word.slow else [])
    for name, word in WORDS.items()
]
every = pytest.mark.parametrize("name", EVERY)
CUTS = {
    "8": lambda: (jit_driver(), 1),
    "4 x 2": lambda: (jit_driver(fsdp=2), 1),
    "pmap": lambda: (pmap_driver(jax.devices()[:2]), 1),
    "micro-batches": lambda: (one_device(), 4),
}
# By default those of one head, and an own language model that lies in parts.
CHEAP = {(name, how) for name, x in WORDS.items() if not x.slow for how in CUTS}
CHEAP |= {("implicit", "4 x 2")}
CUT = [
    pytest.param(name, how, marks=[] if (name, how) in CHEAP else [pytest.mark.slow])
    for name in WORDS
    for how in CUTS
]


@every
def test_order_of_prompts_and_of_their_rows_changes_nothing(name):
    given = case()
    prompts = np.random.default_rng(0).permutation(PROMPTS)
    rows = (prompts[:, None] * SAMPLES + np.array([2, 0, 3, 1])).ravel()
    fields = {
        f.name: getattr(given.rollout, f.name) for f in dataclasses.fields(Rollout)
    }
    by_row = {"tokens", "mask", "valid", "step", "logp"}
    new = {k: fields[k][rows] for k in by_row}
    new |= {k: fields[k][prompts] for k in ("prompts", "prompt_mask")}
    new["signals"] = {k: x[rows] for k, x in given.rollout.signals.items()}
    rollout = dataclasses.replace(given.rollout, **new)
    learning, batch = Learning(name), given.batch.take(prompts)
    for _ in range(STEPS):
        scored, _ = learning.step(Case(rollout, rewarded(rollout), batch))
    usual, state, _ = whole(name)
    for signal in WORDS[name].wanted:
        want = np.asarray(usual.signals[signal])[rows]
        np.testing.assert_allclose(scored.signals[signal], want, atol=5e-4)
    assert near(state.params, learning.state.params, 5e-4)


@every
def test_padding_changes_nothing(name):
    """More columns of any tokens, in prompts and completions."""
    given, n = case(), PROMPTS * SAMPLES
    r = given.rollout
    more = lambda x, fill: jnp.pad(x, ((0, 0), (0, 2)), constant_values=fill)  # noqa: E731
    before = lambda x, fill: jnp.pad(x, ((0, 0), (1, 0)), constant_values=fill)  # noqa: E731
    rollout = dataclasses.replace(
        r,
        prompts=before(r.prompts, 9),
        prompt_mask=before(r.prompt_mask, False),
        tokens=jnp.where(more(r.valid, False), more(r.tokens, 0), 17),
        mask=more(r.mask, False),
        valid=more(r.valid, False),
        step=more(r.step, -1),
        logp=jnp.where(more(r.mask, False), more(r.logp, 0), -3.0),
    )
    learning = Learning(name, rollout=rollout)
    for _ in range(STEPS):
        scored, _ = learning.step(Case(rollout, rewarded(rollout), given.batch))
    usual, state, _ = whole(name)
    for signal in WORDS[name].wanted:
        there = np.asarray(usual.signals[signal])
        found = np.asarray(scored.signals[signal])
        found = found[:, :TOKENS] if found.shape != there.shape else found
        assert len(found) == n
        np.testing.assert_allclose(found, there, atol=5e-4)
    assert near(state.params, learning.state.params, 5e-4)


@pytest.mark.parametrize(("name", "how"), CUT)
def test_no_cut_changes_what_is_learned(name, how):
    """What is trained lies in parts, and a part of a device's rows is a part."""
    driver, micro = CUTS[how]()
    learning = Learning(name, driver, micro)
    before = jax.tree.map(lambda x: x.sharding, learning.states)
    for _ in range(STEPS):
        _, means = learning.step(case())
    _, state, usual = whole(name)
    assert near(state.params, learning.state.params, 5e-4)
    for key in usual.keys() - {f"scorers/{name}/{jump}" for jump in JUMPS}:
        x = usual[key]
        assert means[key] == pytest.approx(x, rel=2e-3, abs=2e-4), key
    if how == "4 x 2":
        after = jax.tree.map(lambda x: x.sharding, learning.states)
        kept = jax.tree.map(
            lambda a, b, x: a.is_equivalent_to(b, x.ndim),
            before,
            after,
            learning.states,
        )
        assert all(jax.tree.leaves(kept))


@every
def test_a_stop_changes_no_bit(name, tmp_path):
    learning = Learning(name)
    for _ in range(STEPS - 1):
        learning.step(case())
    path = checkpoint.save(tmp_path, 1, learning.states, {})
    again = Learning(name)
    again.states = checkpoint.restore(path, again.states)
    again.step(case())
    assert same(whole(name)[1], again.state)


@every
def test_no_gradient_crosses(name):
    """The loss of a scorer does not move the policy, nor its frozen start."""
    scored, state, _ = whole(name)
    (scorer,) = [s for _, s in scorers(name) if s.name == WORDS[name].name]
    trained = jax.tree.map(jnp.asarray, state.params)  # a branch of it is traced

    def loss(params):
        now = context()._replace(params=params)
        given = case()
        reward = None if scorer.fit.when == "before" else given.reward
        return scorer.fit.loss(trained, now, scored, given.batch, reward)[0].value

    grads = jax.grad(loss)(context().params)
    assert all(not np.any(g) for g in jax.tree.leaves(grads))


def labelled(value, valid):
    """The case with other verdicts, and the reward that they make."""
    given = case()
    signals = {"correct": jnp.asarray(value, jnp.float32), "correct_valid": valid}
    rollout = given.rollout.with_signals(**signals)
    return Case(rollout, rewarded(rollout), given.batch)


@every
def test_without_a_label_nothing_moves_and_that_is_said(name):
    nobody = jnp.zeros(PROMPTS * SAMPLES, bool)
    learning = Learning(name)
    before = learning.state
    _, means = learning.step(labelled(jnp.full(nobody.shape, jnp.nan), nobody))
    assert same(before, learning.state)
    assert means[f"scorers/{WORDS[name].name}/skipped_labels"] == 1
    assert means[f"scorers/{WORDS[name].name}/skipped"] == 0


@every
def test_labels_of_one_class_are_finite(name):
    learning = Learning(name)
    everybody = jnp.ones(PROMPTS * SAMPLES, bool)
    _, means = learning.step(labelled(jnp.ones(everybody.shape), everybody))
    assert means[f"scorers/{WORDS[name].name}/skipped"] == 0
    assert all(np.all(np.isfinite(x)) for x in jax.tree.leaves(learning.state))


@every
def test_a_loss_that_is_nan_skips_its_own_step(name):
    """A verdict that is NaN and says that it is there: a mistake of its maker."""
    learning = Learning(name)
    everybody = jnp.ones(PROMPTS * SAMPLES, bool)
    bad = labelled(jnp.full(everybody.shape, jnp.nan), everybody)
    _, means = learning.step(bad)
    assert means[f"scorers/{WORDS[name].name}/skipped"] == 1
    assert int(learning.state.skipped) == 1 and not moved(name, learning)


@every
def test_of_rows_that_the_policy_cannot_learn_from_a_scorer_does_not_either(name):
    """An advantage is not finite: neither parameters nor moments move."""
    learning = Learning(name)
    before = learning.state
    _, means = learning.step(case(), jnp.zeros((), bool))
    assert same(before, learning.state)
    assert means[f"scorers/{WORDS[name].name}/skipped"] == 0
