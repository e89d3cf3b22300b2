"""Judges: what they learn, of labels, of pairs and of what they are paid."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from judged import (
    SMALL,
    TEXTS,
    TOKENIZER,
    WORDS,
    Bag,
    asked,
    body,
    context,
    rows,
    setting,
)

from rewardlab.data.batch import Batch
from rewardlab.models.model import Model
from rewardlab.scorers import asking, comparators
from rewardlab.scorers.measured import measured
from rewardlab.scorers.sentence import scorers_of


def labelled(word):
    """A scorer of a linear model, the rollout with its scores, and its parameters."""
    w = 0.1 * np.random.default_rng(0).normal(size=(64, 64))
    at = context({"w": jnp.asarray(w, jnp.float32)})
    rollout, state = rows(), at.params["policy"]
    (scorer,) = scorers_of(word, setting(Bag()))
    given = {"flaws": jnp.zeros(rollout.signals["prm"].shape)}
    given["flaws_valid"] = given["flaws"] == 0
    if word[:3] != "cri" or "criteria" in word:
        given = jax.jit(scorer.score)(state, at, rollout, None)
    return scorer, at, rollout.with_signals(**given), state


def by_hand(word, w, rollout, known=("", "")):
    """The cross entropy and its gradient in float64, a question at a time.

    What is `known` of each problem stands before its question.
    """
    ids = lambda text: TOKENIZER.encode(text)  # noqa: E731
    no, yes = (ids(x)[0] for x in "ny")
    signals = {k: np.asarray(v) for k, v in rollout.signals.items()}
    total, count, grad = 0.0, 0, np.zeros((64, 64))
    for n, (question, text) in enumerate(TEXTS):
        own = body(text)
        if not own:
            continue
        question = known[n // 4] + question
        asked, valid = [], signals["step_correct_valid"][n]
        good = signals["step_correct"][n]
        if word == "judge()":
            asked = [(ids(question) + own + ids("?"), signals["correct"][n])]
        if word == "criteria()":
            holds = signals["prm"][n] > 0.5
            facts = (
                signals["correct"][n],
                np.all(holds | ~valid),
                signals["format"][n],
                np.any(valid & holds & (good < 0.5)),
            )
            for letter, fact in zip("abcd", facts, strict=True):
                asked.append((ids(question) + own + ids(f"{letter}?"), fact))
        if word == "critics(draws=2)":
            said = [yes if x > 0.5 else no for x in good]
            said = [x if v else no for x, v in zip(said, valid, strict=True)]
            for k in np.flatnonzero(valid):
                asked.append((ids(question) + own + ids("?") + said[:k], good[k]))
        if word == "insight()":
            step = np.asarray(rollout.step[n])
            for k in np.flatnonzero(valid):
                upto = np.flatnonzero(step == k)[-1] + 1
                asked.append((ids(question) + own[:upto], good[k]))
        for tokens, label in asked:
            seen = np.bincount(tokens, minlength=64).astype(float)
            logits = seen @ w
            p = np.exp(logits - logits.max())
            p /= p.sum()
            right = yes if label > 0.5 else no
            total, count = total - np.log(p[right]), count + 1
            grad += np.outer(seen, p - (np.arange(64) == right))
    return total / count, grad / count, count


@pytest.mark.parametrize("word", WORDS)
def test_loss_and_gradient_are_those_of_the_equation(word):
    scorer, at, full, state = labelled(word)
    w = np.asarray(state["w"], np.float64)
    loss, grad, count = by_hand(word, w, full)

    def total(state):
        found, told = scorer.fit.loss(state, at, full, None, None)
        return found.value / found.count, (found.count, told)

    both = jax.jit(jax.value_and_grad(total, has_aux=True))
    (value, (number, told)), slope = both(state)
    assert int(number) == count and float(value) == pytest.approx(loss, rel=1e-5)
    np.testing.assert_allclose(slope["w"], grad, atol=1e-5)
    assert {"accuracy", "auc", "unread", "calls"} <= set(told)
    late = context(state, iteration=99)
    frozen = word.replace("()", "(frozen=True)").replace("2)", "2, frozen=True)")
    still, *_ = scorers_of(frozen, setting(Bag()))
    lasting = jax.jit(lambda at: still.fit.loss(state, at, full, None, None)[0])
    assert float(lasting(late).count) == 0 and float(lasting(at).count) == count


def test_a_privileged_critic_is_taught_with_the_answer_in_sight():
    """The loss and its gradient have the answer of each problem before its question."""
    answers = ("#12", "#4")
    ids = [TOKENIZER.encode(x) for x in answers]
    left = jnp.asarray([[0] * (3 - len(x)) + x for x in ids])
    batch = Batch({"truth": left, "truth_mask": left > 0}, {})
    scorer, at, full, state = labelled("critics(draws=2, privileged=True)")
    w = np.asarray(state["w"], np.float64)
    assert set(scorer.columns) == {"truth", "truth_mask"}

    def total(state):
        found, _ = scorer.fit.loss(state, at, full, batch, None)
        return found.value / found.count, found.count

    (value, number), slope = jax.value_and_grad(total, has_aux=True)(state)
    loss, grad, count = by_hand("critics(draws=2)", w, full, answers)
    assert int(number) == count and float(value) == pytest.approx(loss, rel=1e-5)
    np.testing.assert_allclose(slope["w"], grad, atol=1e-5)
    assert abs(loss - by_hand("critics(draws=2)", w, full)[0]) > 1e-3


def test_labels_of_rows_without_one_teach_nothing():
    scorer, at, full, state = labelled("judge()")
    known = jnp.arange(8) % 2 == 0
    cut = lambda fill: full.with_signals(  # noqa: E731
        correct=jnp.where(known, full.signal("correct"), fill), correct_valid=known
    )
    one, _ = scorer.fit.loss(state, at, cut(0), None, None)
    other, told = scorer.fit.loss(state, at, cut(jnp.nan), None, None)
    assert float(one.value) == float(other.value) and float(one.count) == 4
    assert np.isfinite([float(x.mean()) for x in told.values()]).all()


def test_the_error_of_a_judge():
    """Of (0.9, 0.2 | 0.4, 0.6), truth (1, 0 | 1, 0): half of both, nobody unread."""
    value = jnp.array([0.9, 0.2, 0.4, 0.6, 0.8])
    label = jnp.array([1.0, 0, 1, 0, 1])
    there = jnp.array([True] * 4 + [False])
    group = jnp.array([0, 0, 1, 1, 1])
    told = measured((value, there), (label, there), group, there, 5)
    got = {k: float(x.mean()) for k, x in told.items()}
    wanted = {"accuracy": 0.5, "precision": 0.5, "recall": 0.5, "auc": 0.5, "tau": 0}
    assert got == {**wanted, "unread": 0, "calls": 5}


def test_pairs_have_no_place():
    """P_ij + P_ji = 1, whatever place a model prefers; empty rows meet nobody, and
    those who rank read it as a table."""
    found, *_ = asked("versus()")
    table = np.full((2, 4, 4), 0.5)
    off = ~np.eye(4, dtype=bool)
    table[:, off] = np.asarray(found["preference"]).reshape(2, 12)
    np.testing.assert_allclose(table + table.swapaxes(1, 2), 1, atol=1e-6)
    assert np.ptp(table) > 1e-4
    there = np.asarray(found["preference_valid"])
    assert not there[3].any() and not there[:3, 2].any() and there.sum() == 6 + 12

    full = rows().with_signals(**found)
    meet = comparators._by_table(
        np.asarray(found["preference"]), np.asarray(rows().group)
    )
    assert meet(5, 7) == (table[1, 1, 3], 1 - table[1, 1, 3])
    (place,) = scorers_of("round_robin('preference')", setting(Model(SMALL)))
    got = place.score((), context(), full, None)["placement"]
    assert got[:3].max() == 1 and got[4:].max() == 1 and got.min() == 0


def test_a_judge_of_pairs_learns_of_those_that_differ():
    """Rows 0, 2 against 1 of the first sum, 5 and 6 against 4 and 7 of the second."""
    scorer, at, full, state = labelled("versus()")
    both = jax.jit(lambda w: scorer.fit.loss(w, at, full, None, None))
    total, told = both(state)
    assert float(total.count) == 2 * (2 * 1 + 2 * 2)
    flat = {"w": jnp.zeros((64, 64))}
    assert float(both(flat)[0].mean()) == pytest.approx(np.log(64), rel=1e-6)
    assert -1 <= float(told["tau"].mean()) <= 1


def test_a_judge_that_is_paid():
    """Its loss, by hand, of the verdicts that it drew, after a warm-up like `judge`'s;
    a row whose draws are paid alike teaches nothing."""
    at, rollout = context(iteration=40), rows()
    (weigh,) = scorers_of("class_weight()", setting(Model(SMALL)))
    weight = weigh.score((), at, rollout, None)["class_weight"]
    right = np.asarray(rollout.signal("correct"))
    np.testing.assert_allclose(weight[right == 1], 7 / 8)  # 4 of 7: one is empty
    (scorer,) = scorers_of("rewarded(draws=3)", setting(Model(SMALL)))
    no, yes = TOKENIZER.encode("ny")
    said = np.array([[yes, yes, no], [yes, no, 5], [no] * 3] + [[yes, no, yes]] * 5)
    shown = {"said": jnp.asarray(said), "class_weight": weight}
    shown |= {"judge": jnp.zeros(8), "judge_valid": jnp.ones(8, bool)}
    full, state = rollout.with_signals(**shown), at.params["policy"]
    total, told = jax.jit(scorer.fit.loss)(state, at, full, None, None)
    form = asking.form_of("?|n|y", TOKENIZER)
    marker = asking.fixed(form.marker, 8)
    parts = asking.question(rollout), asking.completion(rollout), marker
    case = asking.put(asking.joined(*parts), jnp.asarray(said).reshape(-1, 1))
    logp = np.asarray(Model(SMALL).log_probs(state, case).logp).reshape(8, 3)
    want, paid = 0.0, {}
    for n in (0, 1, 2, 4, 5, 6, 7):
        verdict = {yes: 1, no: 0}
        pay = [
            -1 if x not in verdict else 1 if verdict[x] == right[n] else -0.5
            for x in said[n]
        ]
        paid[n] = np.array(pay, float)
        want -= float(weight[n]) * np.sum((paid[n] - paid[n].mean()) * logp[n])
    assert float(total.count) == 21
    assert float(total.value) == pytest.approx(want, rel=1e-4)
    mean = float(np.mean([x for x in paid.values()]))
    assert float(told["reward"].mean()) == pytest.approx(mean)
    early, _ = jax.jit(scorer.fit.loss)(state, context(), full, None, None)
    (plain,) = scorers_of("judge()", setting(Model(SMALL)))
    wanted, _ = jax.jit(plain.fit.loss)(state, context(), full, None, None)
    assert float(early.value) == float(wanted.value)
    found, _, _ = asked("rewarded(draws=3)")
    assert found["said"].shape == (8, 3)
    with pytest.raises(ValueError, match="rule='mean' must be one of rise, zero_one"):
        scorers_of("rewarded(rule='mean')", setting(Model(SMALL)))
