"""Judges: what they are asked and read, and who answers instead."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from judged import (
    SMALL,
    TEXTS,
    TOKENIZER,
    WORDS,
    Oracle,
    asked,
    body,
    context,
    rows,
    rule,
)

from rewardlab.data.batch import Batch
from rewardlab.models import lm
from rewardlab.models.model import Model
from rewardlab.scorers import asking


def test_pieces_are_joined_and_padded_on_the_left():
    piece = lambda ids, there: asking.Piece(jnp.array(ids), jnp.array(there) > 0)  # noqa: E731
    one = piece([[9, 1, 2], [3, 9, 9]], [[0, 1, 1], [1, 0, 0]])
    ids, there = asking.joined(one, asking.fixed((7,), 2))
    assert ids.tolist() == [[0, 1, 2, 7], [0, 0, 3, 7]]
    assert there.tolist() == [[False, True, True, True], [False, False, True, True]]
    numbers = asking.content(asking.Piece(ids, there))
    again = asking.content(piece([[1, 2, 7]], [[1, 1, 1]]))
    assert numbers[0] == again[0] != numbers[1] and int(numbers.max()) < 2**24


def test_what_is_asked_is_question_completion_and_marker():
    ids, there = asking.joined(
        asking.question(rows()), asking.completion(rows()), asking.fixed((7,), 8)
    )
    form = asking.form_of("?|n|y", TOKENIZER)
    assert TOKENIZER.decode(form.marker) == "?" and len(form.answers) == 2
    for n, (question, text) in enumerate(TEXTS):
        own = TOKENIZER.encode(question) + body(text) + [7]
        assert ids[n][there[n]].tolist() == own
    assert form.place(jnp.array([0, 0.4, 1])).tolist() == [0, 0, 1]


@pytest.mark.parametrize("form", ["?|y", "?|no|yes", "|n|y"])
def test_a_form_of_other_answers_is_refused(form):
    with pytest.raises(ValueError, match="is no marker and two answers or more of one"):
        asking.form_of(form, TOKENIZER)


def test_an_oracle_through_the_same_path_gives_the_rule():
    """P(yes), three draws, and the rule of the task are one."""
    right = rows().signal("correct")
    tell = lambda text: rule(text)  # noqa: E731
    known = np.arange(7)  # the text does not show that it was cut
    for word in ("judge()", "asked()", "asked(draws=3)"):
        found, _, _ = asked(word, Oracle(tell))
        np.testing.assert_array_equal(found["judge"][known], np.array(right)[known])
    met, _, _ = asked("criteria()", Oracle(lambda t: "ny"[t.endswith("a?")]))
    assert met["met"].tolist() == [[1, 0, 0, 0]] * 8
    assert met["points"][0].tolist() == [5, 3, 1, -2]


def test_swapped_answers_give_the_rest():
    one, *_ = asked("judge()")
    other, *_ = asked("judge(form='?|y|n')")
    p = np.asarray(one["judge"])
    assert np.all((p > 0) & (p < 1)) and np.ptp(p) > 1e-4
    np.testing.assert_allclose(p + other["judge"], 1, atol=1e-6)


def test_answers_that_cannot_be_read_abstain():
    found, scorer, _ = asked("asked(draws=3)", Oracle(lambda text: "7"))
    assert not found["judge_valid"].any() and not found["judge"].any()
    full = rows().with_signals(**found)
    total, told = scorer.fit.loss((), context(), full, None, None)
    assert float(total.count) == 0 and float(told["unread"].mean()) == 1
    assert float(told["calls"].mean()) == 24
    flaws, *_ = asked("critics(draws=3)", Oracle(lambda text: "7"))
    judged = np.asarray(rows().signals["step_correct_valid"])
    np.testing.assert_array_equal(flaws["flaws_valid"], ~judged)
    assert not flaws["flaws"].any() and np.all(flaws["soundness"] == 1)


def test_draws():
    """The first of several is the one; equal texts have equal answers; the variance of
    the mean of K falls as 1 / K."""
    prompt = asking.joined(asking.question(rows()), asking.completion(rows()))
    params, key = lm.init(SMALL, jax.random.key(3)), jax.random.key(1)

    def texts(count, prompt=prompt):
        options = asking.Sampling(count, 2, (), 0)
        return np.asarray(asking.drawn(Model(SMALL), params, prompt, key, options))

    many = texts(512)
    np.testing.assert_array_equal(texts(1)[:, 0], many[:, 0])
    order = np.array([5, 0, 3, 1, 2, 4, 7, 6])
    moved = asking.Piece(prompt.ids[order], prompt.there[order])
    np.testing.assert_array_equal(texts(1, moved), texts(1)[order])
    low = (many[:, :, 0] < 32).astype(float)
    means = low.reshape(8, 64, 8).mean(axis=2)
    ratio = means.var(axis=1).mean() / low.var(axis=1).mean()
    assert 0.75 / 8 < ratio < 1.3 / 8


def test_flaws_are_counted_over_critiques():
    """Every critique of an oracle is the same: the wrong steps have all of them."""
    tell = lambda text: "nyn" if "=8" in text else "yyy"  # noqa: E731

    found, *_ = asked("critics(draws=4)", Oracle(tell))
    there = np.asarray(rows().signals["step_correct_valid"])
    assert found["flaws"][:, 0].tolist() == [0, 4, 0, 0, 0, 0, 0, 0]
    assert not found["flaws"][:, 1:].any() and found["flaws_valid"][:, 0].all()
    assert not found["flaws_valid"][there[:, 1], 1].any()  # "0" is no verdict


def test_a_privileged_critic_reads_the_answer_first_and_nobody_else_does():
    """The answer, the question, the whole row and the marker; its verdicts are 0 or 1,
    follow from the answer, and leave the rows' own prompts as they were."""
    texts = {}

    def tell(text):
        texts[text] = None
        return "ny" if text[:2] == "#1" else "yn"

    def critic(answers):
        ids = jnp.asarray([TOKENIZER.encode(x) for x in answers])
        batch = Batch({"truth": ids, "truth_mask": ids > 0}, {})
        word = "critics(draws=1, privileged=True)"
        return asked(word, Oracle(tell), batch=batch)[0]

    found = critic(("#12", "#04"))
    for (question, text), answer in zip(TEXTS, ["#12"] * 4 + ["#04"] * 4, strict=True):
        own = "".join(TOKENIZER.decode(body(text)))
        assert f"{answer}{question}{own}?" in texts
    assert found.keys() == {"flaws", "flaws_valid", "soundness"}
    there = np.asarray(rows().signals["step_correct_valid"])[:, 0]
    flaws = np.asarray(found["flaws"])[:, 0]
    np.testing.assert_array_equal(flaws[there], (np.arange(8) < 4)[there])
    other = critic(("#04", "#12"))
    np.testing.assert_array_equal(other["flaws"][there, 0], 1 - flaws[there])


@pytest.mark.parametrize("word", WORDS)
def test_scores_follow_from_texts_alone(word):
    """Not from what is true, nor from the others, nor from what stands in padding."""
    found, *_ = asked(word)
    again, *_ = asked(word)
    names = ("correct", "prm", "format", "step_correct")
    liar = rows().with_signals(**{n: 1 - rows().signals[n] for n in names})
    lied, *_ = asked(word, rollout=liar)
    noise = jnp.where(rows().valid, rows().tokens, 9)
    padded, *_ = asked(word, rollout=dataclasses.replace(rows(), tokens=noise))
    for name, value in found.items():
        np.testing.assert_array_equal(value, again[name])
        np.testing.assert_array_equal(value, lied[name])
        np.testing.assert_allclose(value, padded[name], atol=1e-6)
    order = np.array([2, 3, 1, 0, 7, 6, 5, 4])
    move = lambda x: x[order] if x.shape[:1] == (8,) else x  # noqa: E731
    moved, *_ = asked(word, rollout=jax.tree.map(move, rows()))
    for name, value in found.items():
        np.testing.assert_allclose(moved[name], value[order], atol=1e-5)


def test_messages_are_numbers_of_texts():
    found, *_ = asked("insight()")
    message = np.asarray(found["message"])
    assert message[0, 0] == message[2, 0] != message[1, 0]
    assert message[0, 1] == message[2, 2] and not message[3].any()
    assert message[4, 0] == message[5, 0] and message.max() < 2**24
