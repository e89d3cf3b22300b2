"""Reward models as they learn: who is frozen, which cut, which references."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from reward_cases import (
    EMPTY,
    PROMPTS,
    SAMPLES,
    TABLES,
    TOKENS,
    UNJUDGED,
    WIDE,
    N,
    case,
    head_of,
    loss_of,
    made,
    sigma,
    soft,
    told,
)
from test_scorers_words import SETTING, context_of

from rewardlab.learning.parallel import jit_driver, pmap_driver
from rewardlab.learning.scoring import scoring
from rewardlab.scorers.plan import Source, plan
from rewardlab.scorers.preferences import branch_lead
from rewardlab.scorers.protocol import Scorer
from rewardlab.scorers.references import reference_rows
from rewardlab.scorers.sentence import scorers_of

ENSEMBLE = pytest.param("ensemble", marks=pytest.mark.slow)


@pytest.mark.parametrize("word", ["reward_model", ENSEMBLE, "outcome_model"])
def test_frozen_after_the_warmup(word):
    scorer = made(f"{word}({WIDE}, warmup=3)")
    state = head_of(scorer)
    assert scorer.fit.warmup == 3
    assert float(loss_of(scorer, state, iteration=2)[0].count) > 0
    late, means = loss_of(scorer, state, iteration=3)
    assert float(late.count) == 0 and float(means["pairs"].mean()) > 0
    grads = jax.grad(lambda s: loss_of(scorer, s, iteration=3)[0].value)(state)
    assert not any(np.any(x) for x in jax.tree.leaves(grads))
    goes_on = made(f"co_trained({WIDE}, warmup=3, pairs=sampled())")
    assert float(loss_of(goes_on, state, iteration=9)[0].count) > 0


@pytest.mark.parametrize("word", ["reward_model", "outcome_model", "gaussian_ensemble"])
def test_rows_without_a_label_teach_nothing(word):
    rollout, *_ = case()
    scorer = made(f"{word}({WIDE})")
    state, nobody = head_of(scorer), jnp.zeros(N, bool)
    unheard = rollout.with_signals(correct=jnp.full(N, jnp.nan), correct_valid=nobody)
    total, _ = loss_of(scorer, state, unheard)
    assert float(total.value) == float(total.count) == 0
    if word == "reward_model":
        alike = rollout.with_signals(correct=jnp.ones(N), correct_valid=~nobody)
        assert float(loss_of(scorer, state, alike)[0].count) == 0


def test_outcomes_and_regression_by_hand():
    rollout, context, _ = case()
    label = np.asarray(rollout.signals["correct"], np.float64)
    rows = [i for i in range(N) if i not in (EMPTY, UNJUDGED)]
    model, fitted, sure = (
        made(f"{word}({WIDE})")
        for word in ("outcome_model", "regression_model", "gaussian_ensemble")
    )
    state = head_of(model)
    r = np.asarray(told(fitted, state).signals["score"], np.float64)
    np.testing.assert_allclose(told(model, state).signals["score"], sigma(r), atol=1e-6)
    want = np.mean([soft(-r[i]) if label[i] else soft(r[i]) for i in rows])
    assert float(loss_of(model, state)[0].mean()) == pytest.approx(want, rel=1e-5)
    want = np.mean([(r[i] - label[i]) ** 2 / 2 for i in rows])
    total, means = loss_of(fitted, state)
    assert float(total.mean()) == pytest.approx(want, rel=1e-5)
    assert float(means["brier"].mean()) == pytest.approx(2 * want, rel=1e-5)
    assert float(means["labels"].mean()) == len(rows)
    many = head_of(sure)
    said = told(sure, many).signals
    assert said["members"].shape == said["spread"].shape == (N, 5)
    assert np.all(said["spread"] > 0.05) and np.isfinite(loss_of(sure, many)[0].mean())


def learnt(driver, micro, text, steps=2):
    """States after some steps of the learner, and the last metrics."""
    rollout, context, batch = case()
    sources = [Source("your", s) for s in scorers_of(text, TABLES)]
    name = sources[0].scorer.name
    found = plan(
        {"the reward reads": list(sources[0].scorer.provides)},
        [*sources, Source("the task's", _given(rollout))],
    )
    make = lambda hp: {s.name: s for _, s in sources}  # noqa: E731
    run = scoring(found, make, driver, micro)
    states = driver.part(jax.tree.map(jnp.copy, run.init(context, rollout)))
    reward = None
    for i in range(steps):
        now = context._replace(iteration=jnp.asarray(i))
        scored, states, _ = run.score(states, now, rollout, batch)
        states, means = run.fit(states, now, scored, batch, reward)
    return jax.device_get(states[name].params), means


def _given(rollout):
    provides = {n: "N" for n in rollout.signals if not n.endswith("_valid")}
    return Scorer("task", provides, (), "sample", lambda *_: {})


NOISY = f"ensemble(3, pairs=sampled('correct', flips=0.25), {WIDE})"


@pytest.mark.slow
def test_no_cut_changes_what_is_learnt():
    """Nor which pairs are flipped or resampled: that hangs on the problem."""
    whole, means = learnt(jit_driver(jax.devices()[:1]), 1, NOISY)
    for driver, devices, micro in ((jit_driver, 2, 2), (pmap_driver, 2, 1)):
        cut, found = learnt(driver(jax.devices()[:devices]), micro, NOISY)
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, atol=2e-5), cut, whole
        )
        for name in ("accuracy", "pairs", "confidence", "loss"):
            key = f"scorers/ensemble/{name}"
            assert float(found[key]) == pytest.approx(float(means[key]), rel=1e-4)
    first = whole["heads"]["w2"]
    assert not np.allclose(first[0], first[1])  # each has its own bootstrap


def test_averaged_weights_of_equal_members_are_theirs():
    scorer = made(f"averaged(3, {WIDE})")
    state = scorer.init(case()[1], case()[0])
    for x in state["heads"].values():
        np.testing.assert_array_equal(x[0], x[2])  # one start
    one = head_of(made(f"reward_model({WIDE})"))
    alike = {"heads": jax.tree.map(lambda x: jnp.repeat(x, 3, axis=0), one["heads"])}
    want = told(made(f"reward_model({WIDE})"), one).signals["score"]
    np.testing.assert_allclose(told(scorer, alike).signals["score"], want, atol=1e-6)


def test_references_are_the_bases_and_pay_for_length():
    """The same in every iteration, one set a prompt; the long ones pay."""
    rollout, _, batch = case()
    context = context_of()
    drawn = "references=drawn(4, after=0.3, max_penalty=0.5)"
    scorer = made(f"reward_model({WIDE}, {drawn})", SETTING)
    assert scorer.samples and scorer.roles == ("reference",)
    state = head_of(scorer, context)
    ask = jax.jit(lambda context: scorer.score(state, context, rollout, batch))
    found = ask(context)["ref_score"]
    later = context._replace(iteration=jnp.asarray(7), key=jax.random.key(1))
    np.testing.assert_array_equal(found, ask(later)["ref_score"])
    assert found.shape == (N, 4) and np.all(found[0] == found[1])
    rows = reference_rows(SETTING, 4)(context, rollout, batch)
    score = scorer.score(state, context, rows.with_signals(), batch)["score"]
    long = np.maximum(np.sum(rows.mask, axis=1) - 0.3 * TOKENS, 0) / (0.7 * TOKENS)
    want = (np.asarray(score) - 0.5 * long).reshape(PROMPTS, 4)
    np.testing.assert_allclose(found[::SAMPLES], want, atol=1e-4)


def test_siblings_are_worth_the_mean_of_their_branch():
    rng = np.random.default_rng(1)
    rollout, *_ = case()
    node = np.cumsum(rng.integers(0, 2, (N, TOKENS)), axis=1)
    node[:, :2] = np.arange(PROMPTS).repeat(SAMPLES)[:, None]
    whole = dataclasses.replace(rollout, valid=jnp.ones((N, TOKENS), bool))
    whole = whole.with_signals(node=jnp.asarray(node), correct_valid=jnp.ones(N, bool))
    value = rng.random(N)
    whole = whole.with_signals(correct=jnp.asarray(value, jnp.float32))
    got = np.asarray(branch_lead("correct", whole))
    for b, i, j in np.ndindex(got.shape):
        x, y = b * SAMPLES + i, b * SAMPLES + j
        apart = [t for t in range(TOKENS) if node[x, t] != node[y, t]]
        want = 0.0
        if apart and apart[0]:
            t, rows = apart[0], range(b * SAMPLES, (b + 1) * SAMPLES)
            mean = [
                np.mean([value[k] for k in rows if node[k, t] == node[z, t]])
                for z in (x, y)
            ]
            want = mean[0] - mean[1]
        assert got[b, i, j] == pytest.approx(want, abs=1e-6), (b, i, j)
