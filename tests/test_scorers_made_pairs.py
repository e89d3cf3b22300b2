"""Pairs that are made: other digits, a file, demonstrations; and what is learned."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from reward_cases import (
    PROMPTS,
    SAMPLES,
    TOKENS,
    WIDE,
    case,
    head_of,
    made,
)
from test_scorers_words import SETTING, context_of

from rewardlab.analysis.calibration import pair_probabilities
from rewardlab.data.pairs import read_pairs
from rewardlab.scorers.made_pairs import digit_ids, moved_on
from rewardlab.scorers.pair_losses import (
    Pairs,
    bradley_terry,
    focal,
    lift,
    scaled,
    total,
)
from rewardlab.scorers.pair_losses import text as text_term

ENCODE = SETTING.tokenizer.encode


def test_digits_move_on_and_nothing_else():
    tokens = np.array(ENCODE("3+19=22;#22"))
    got = moved_on(tokens, digit_ids(SETTING), jnp.asarray(9))
    assert SETTING.tokenizer.decode(np.asarray(got).tolist()) == "2+08=11;#11"


def test_a_right_row_comes_to_be_above_the_same_with_other_digits():
    """Within 50 updates; a prompt without a right row gives no pair."""
    rollout, context, batch = case()
    digits = rollout.tokens % 10 + ENCODE("0")[0]
    rollout = rollout.with_signals(correct_valid=jnp.ones(PROMPTS * SAMPLES, bool))
    rollout = rollout.with_signals(
        correct=jnp.where(rollout.group == 1, 0.0, 1.0), score=jnp.zeros(12)
    )
    rollout = rollout.__class__(**{**vars(rollout), "tokens": digits})
    scorer = made(f"co_trained(warmup=0, {WIDE})")
    optimizer = optax.adam(0.01)

    @jax.jit
    def step(state, opt):
        def mean(state):
            found, _ = scorer.fit.loss(state, context, rollout, batch, None)
            return found.mean(), found.count

        (value, count), grads = jax.value_and_grad(mean, has_aux=True)(state)
        updates, opt = optimizer.update(grads, opt, state)
        return optax.apply_updates(state, updates), opt, value, count

    state = scorer.init(context, rollout)
    opt, values = optimizer.init(state), []
    for _ in range(50):
        state, opt, value, count = step(state, opt)
        values.append(float(value))
    assert int(count) == PROMPTS - 1
    assert values[0] == pytest.approx(np.log(2), rel=1e-5) and values[-1] < 0.1


def test_a_row_without_a_verdict_is_not_the_right_one():
    """The first of a prompt that is known to be right is taken, as if it were wrong."""
    rollout, context, batch = case()
    digits = rollout.tokens % 10 + ENCODE("0")[0]
    rollout = rollout.__class__(**{**vars(rollout), "tokens": digits})
    first = jnp.arange(PROMPTS * SAMPLES) % SAMPLES == 0
    right = jnp.ones(PROMPTS * SAMPLES)
    cases = {"abstains": (right, ~first), "wrong": (right * ~first, right > 0)}
    scorer = made(f"co_trained(warmup=0, {WIDE})")
    found = {}
    for name, (correct, valid) in cases.items():
        told = rollout.with_signals(
            correct=correct,
            correct_valid=valid,
            score=jnp.zeros(12),
        )
        state = jax.tree.map(lambda x: x + 0.1, scorer.init(context, told))
        found[name] = scorer.fit.loss(state, context, told, batch, None)[0]
    assert float(found["abstains"].count) > 0
    assert float(found["abstains"].value) == float(found["wrong"].value)


def test_pairs_of_a_file(tmp_path):
    file = tmp_path / "pairs.jsonl"
    rows = [
        {"prompt": f"{i}+1=", "chosen": f"#{i + 1}", "rejected": "#0"} for i in range(5)
    ]
    file.write_text("\n".join(map(json.dumps, rows)))
    table = read_pairs(str(file), SETTING.tokenizer, 5)
    assert table.tokens.shape == (5, 2, 5) and table.prompts.shape == (5, 4)
    said = [
        SETTING.tokenizer.decode(x[m].tolist())
        for x, m in zip(table.tokens[3], table.valid[3], strict=True)
    ]
    assert [text[:2] for text in said] == ["#4", "#0"]
    scorer = made(f"reward_model(pairs=from_file({str(file)!r}), {WIDE})")
    assert scorer.reads == ()
    rollout, context, batch = case()
    state = head_of(scorer)
    told = rollout.with_signals(**scorer.score(state, context, rollout, batch))
    found, means = scorer.fit.loss(state, context, told, batch, None)
    assert float(found.count) == PROMPTS and set(means) == {"truth"}
    with pytest.raises(ValueError, match="no file .* of pairs"):
        made("reward_model(pairs=from_file('nowhere.jsonl'))")
    with pytest.raises(ValueError, match="has a completion of 3 tokens"):
        read_pairs(str(file), SETTING.tokenizer, 2)
    file.write_text('{"prompt": "1", "chosen": "2"}')
    with pytest.raises(ValueError, match="row 0 of .* has no text 'rejected'"):
        read_pairs(str(file), SETTING.tokenizer, 0)


def test_demonstrations_are_preferred_to_samples():
    """All rows but those that are the reference; the gap is 0 for these."""
    rollout, context, batch = case()
    n = PROMPTS * SAMPLES
    ids = jnp.where(rollout.valid, rollout.tokens, -1)[::SAMPLES][rollout.group]
    rollout = rollout.with_signals(reference_ids=ids)
    scorer = made(f"demonstration_model({WIDE})")
    state = head_of(scorer)
    told = rollout.with_signals(**scorer.score(state, context, rollout, batch))
    gap, score = (np.asarray(told.signals[x]) for x in ("gap", "score"))
    first = score[::SAMPLES].repeat(SAMPLES)
    np.testing.assert_allclose(gap, score - first, atol=1e-5)
    found, _ = scorer.fit.loss(state, context, told, batch, None)
    rows = [i for i in range(n) if i % SAMPLES and np.any(rollout.valid[i])]
    assert float(found.count) == len(rows)
    want = np.mean([np.logaddexp(0, gap[i]) for i in rows])
    assert float(found.mean()) == pytest.approx(want, rel=1e-4)


def test_references_of_text():
    scorer = made("reference_ids('reference')")
    assert scorer.place == "host" and scorer.columns == ("reference",)
    rollout, context, batch = case()
    texts = batch._replace(facts={"reference": ["1+1=2;#2", "12", "3", ""]})
    ids = scorer.score((), context, rollout, texts)["reference_ids"]
    assert ids.shape == (PROMPTS * SAMPLES, TOKENS)
    assert ids[SAMPLES].tolist() == [*ENCODE("12"), 1, -1, -1, -1]
    assert np.all(ids[0] == ENCODE("1+1=2;"))  # cut off


def test_terms_of_pairs():
    """By hand: focal, scaled, lift; text needs a language model."""
    c, r, s = np.array([1.0, -0.5]), np.array([0.0, 0.5]), np.array([2.0, 1.0])
    pairs = Pairs(*map(jnp.asarray, (c, r, np.ones(2), s)))
    soft = np.logaddexp(0, r - c)
    p = 2 * np.maximum(1 / (1 + np.exp(r - c)) - 0.5, 0)
    got = float(total(focal(2.0), pairs).mean())
    assert got == pytest.approx(np.mean((1 - p) ** 2 * soft), rel=1e-5)
    assert float(total(scaled(), pairs).mean()) == pytest.approx(np.mean(s * soft))
    got = float(total((bradley_terry(), lift(0.1)), pairs).mean())
    want = np.mean(soft) + 0.1 * np.logaddexp(0, -np.mean(c))
    assert got == pytest.approx(want, rel=1e-5)
    got = float(total(bradley_terry(margin=0.5), pairs).mean())
    want = np.mean(np.logaddexp(0, r - c + 0.5 * s))
    assert got == pytest.approx(want, rel=1e-5)
    with pytest.raises(ValueError, match=r"write trunk=own_trunk\(\)"):
        total(text_term(), pairs)
    told = pairs._replace(logp=jnp.asarray([-3.0, -1.0]))
    got = float(total((bradley_terry(weight=0.99), text_term(0.01)), told).mean())
    text = np.mean(np.logaddexp(0, 0.1 * np.array([3.0, 1.0])))
    assert got == pytest.approx(0.99 * np.mean(soft) + 0.01 * text, rel=1e-5)


def test_an_own_language_model_learns_with_its_heads():
    trunk = "trunk=own_trunk(width=8, lr=0.001)"
    loss = "loss=bradley_terry(weight=0.99) | text()"
    scorer = made(f"reward_model({loss}, {trunk})", SETTING)
    rollout, _, batch = case()
    context = context_of()
    state = head_of(scorer, context)

    def mean(state):
        told = rollout.with_signals(score=jnp.zeros(PROMPTS * SAMPLES))
        return scorer.fit.loss(state, context, told, batch, None)[0].mean()

    grads = jax.jit(jax.grad(mean))(state)
    assert all(np.any(x) for x in jax.tree.leaves(grads["trunk"]))
    assert set(grads) == {"heads", "trunk"}


def test_pairs_and_how_sure_a_score_is_of_them():
    score, label = np.array([2.0, 0.0, 1.0, 1.0]), np.array([1.0, 0.0, 1.0, 0.0])
    right, said = pair_probabilities(score, label, np.array([0, 0, 1, 1]))
    np.testing.assert_allclose(right, [1, 0.5])
    np.testing.assert_allclose(said, [1 / (1 + np.exp(-2)), 0.5])
    assert pair_probabilities(score, label, np.arange(4))[0].size == 0
