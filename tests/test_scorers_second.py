"""Second models: log-probs under them, a copy that moves, a listener, distributions."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_scorers_words import SETTING, context_of, rollout_of

from rewardlab.reward_models.averaging import moved_copy
from rewardlab.reward_models.distillation import generalized_jsd
from rewardlab.scorers.sentence import scorers_of


def word(text):
    (scorer,) = scorers_of(text, SETTING)
    return scorer


@pytest.mark.parametrize("role", ["teacher", "strong", "weak"])
def test_a_second_model_reads_the_same_tokens(role):
    """At the sampling temperature; under the policy's own parameters it agrees."""
    context, rollout, scorer = context_of(), rollout_of(), word(f"{role}()")
    assert scorer.roles == (role,)
    found = scorer.score((), context, rollout, None)[f"{role}_logp"]
    model = SETTING.models["policy"]
    want = model.log_probs(context.params[role], rollout, SETTING.temperature).logp
    np.testing.assert_array_equal(found, want)
    same = {**context.params, role: context.params["policy"]}
    found = scorer.score((), context._replace(params=same), rollout, None)
    own = model.log_probs(context.params["policy"], rollout, SETTING.temperature).logp
    np.testing.assert_array_equal(found[f"{role}_logp"], own)


def test_a_copy_moves_after_so_many_steps():
    """Until then it is the first policy; decay 0 follows it, decay 1 stays."""
    context = context_of()
    for decay, every in ((0.9, 2), (0.0, 1), (1.0, 1)):
        scorer = word(f"moving_reference({decay}, every={every})")
        state = first = scorer.init(context, rollout_of())
        now = jax.tree.map(lambda x: x + 1, context.params["policy"])
        for i in range(3):
            at = context._replace(iteration=jnp.asarray(i), params={"policy": now})
            state = scorer.step(state, at, rollout_of())
            steps = (i + 1) // every
            share = decay**steps
            for x, a, b in zip(*map(jax.tree.leaves, (state, first, now)), strict=True):
                np.testing.assert_allclose(x, share * a + (1 - share) * b, atol=1e-5)
    moved = moved_copy(jnp.ones(()), jnp.asarray(3.0), 0.995)
    assert float(moved) == pytest.approx(1.01)


@pytest.mark.slow
def test_a_listener_reads_follow_ups_after_the_completion():
    """By the model on the whole text; padding of a shorter follow-up does not count."""
    context, rollout = context_of(), rollout_of()
    tokenizer, scorer = SETTING.tokenizer, word("follow_ups('1+1|2', '3')")
    state = scorer.init(context, rollout)
    signals = scorer.score(state, context, rollout, None)
    assert signals["praise_logp"].shape == (4, 2)
    model, params = SETTING.models["policy"], context.params["policy"]
    for row in (0, 1, 3):
        own = np.asarray(rollout.tokens[row][rollout.valid[row]])
        prompt = np.asarray(rollout.prompts[rollout.group[row]])
        seen = prompt[np.asarray(rollout.prompt_mask[rollout.group[row]])]
        for name, r, text in (
            ("praise_logp", 0, "1+1"),
            ("praise_logp", 1, "2"),
            ("blame_logp", 0, "3"),
        ):
            tail = tokenizer.encode(text)
            tokens = jnp.asarray([[*own, *tail]], jnp.int32)
            case = dataclasses.replace(
                rollout,
                prompts=jnp.asarray([seen]),
                prompt_mask=jnp.ones((1, len(seen)), bool),
                tokens=tokens,
                valid=jnp.ones(tokens.shape, bool),
            )
            logp = model.log_probs(params, case).logp[0, -len(tail) :]
            assert float(signals[name][row, r]) == pytest.approx(
                float(jnp.mean(logp)), abs=1e-5
            )


def test_a_listener_learns_praise_of_right_rows():
    context = context_of()
    signals = {"correct": jnp.asarray([1.0, 0, 1, 0])}
    rollout = rollout_of().with_signals(**signals)
    scorer = word("follow_ups('1', '2')")
    state = scorer.init(context, rollout)
    said = scorer.score(state, context, rollout, None)
    rollout = rollout.with_signals(**said)
    total, told = scorer.fit.loss(state, context, rollout, None, None)
    praise, blame = (np.asarray(said[f"{x}_logp"])[:, 0] for x in ("praise", "blame"))
    rows = np.any(np.asarray(rollout.mask), axis=1)
    right = np.asarray(signals["correct"]) > 0
    want = -np.where(right, praise, blame)[rows]
    assert float(total.value) == pytest.approx(want.sum(), rel=1e-5)
    assert float(total.count) == rows.sum()
    hits = ((praise > blame) == right)[rows]
    assert float(told["accuracy"].mean()) == pytest.approx(hits.mean())


def test_distributions_that_are_equal_are_not_apart():
    a, b = jax.random.normal(jax.random.key(0), (2, 5, 7))
    for beta in (0.0, 0.1, 0.5, 1.0):
        np.testing.assert_allclose(generalized_jsd(a, a, beta), 0, atol=1e-6)
        assert np.all(generalized_jsd(a, b, beta) > 0)
    half = generalized_jsd(a, b), generalized_jsd(b, a)
    np.testing.assert_allclose(*half, atol=1e-6)
    assert np.abs(generalized_jsd(a, b, 0.1) - generalized_jsd(b, a, 0.1)).max() > 1e-3


def test_divergence_is_read_token_by_token():
    """0 where nothing is written, and where both models are the same."""
    context, rollout = context_of(), rollout_of()
    found = word("divergence(beta=1)").score((), context, rollout, None)["divergence"]
    valid, found = np.asarray(rollout.valid), np.asarray(found)
    assert np.all(found[valid] > 0) and not np.any(found[~valid])
    params = {**context.params, "teacher": context.params["policy"]}
    equal = context._replace(params=params)
    same = word("divergence()").score((), equal, rollout, None)
    np.testing.assert_allclose(same["divergence"], 0, atol=1e-6)
