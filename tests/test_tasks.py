"""The arithmetic task against a reader of its texts written with loops."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from texts import problems, solution, texts_of, written

from rewardlab.methods.sentence import build
from rewardlab.tasks import TASKS
from rewardlab.tasks.arithmetic.data import NOISE, demonstrations
from rewardlab.tasks.arithmetic.verifier import TOKENIZER, max_steps, score
from rewardlab.text.tokenizers import CharTokenizer

TERMS = [[3, 4, 5], [9, 8], [12, 30, 7, 1], [1, 1]]


def number(text):
    if not 1 <= len(text) <= 6 or any(c not in "0123456789" for c in text):
        return None
    return None if text[0] == "0" and text != "0" else int(text)


def equation(text):
    left, plus, rest = text.partition("+")
    right, equals, result = rest.partition("=")
    values = [number(part) for part in (left, right, result)]
    return values if plus and equals and None not in values else None


def read(text, ended, terms, steps, width):
    """Every signal of one completion, by the definitions in `score`'s docstring."""
    *closed, rest = text.split(";")
    facts = {name: np.zeros(steps) for name in ("step_correct", "prm", "milestones")}
    facts["prm_valid"] = facts["step_correct_valid"] = np.zeros(steps, bool)
    total, used, sound = terms[0], 1, True
    for place, piece in enumerate([*closed, rest] if ended else closed):
        facts["milestones"][place : place + 1] = (used - 1) / (len(terms) - 1)
        values = equation(piece) if place < len(closed) else None
        holds = values is not None and values[0] + values[1] == values[2]
        useful = holds and used < len(terms) and values[:2] == [total, terms[used]]
        if useful:
            total, used = values[2], used + 1
        if place < len(closed):
            sound = sound and values is not None
        if place < steps and not piece.startswith("#"):
            facts["prm_valid"][place] = True
            facts["prm"][place] = 0.9 if holds else 0.1
            facts["step_correct"][place] = useful
    said = number(rest[1:]) if rest.startswith("#") else None
    facts["milestones"][len(closed) + ended :] = (used - 1) / (len(terms) - 1)
    facts["parsed"] = float(ended and said is not None)
    facts["answer_id"] = said if facts["parsed"] else -1
    facts["is_answer"] = np.zeros(width)
    facts["is_answer"][len(text) - len(rest) + 1 : len(text)] = facts["parsed"]
    facts["format"] = float(facts["parsed"] and sound)
    facts["correct"] = float(facts["format"] and said == sum(terms))
    return facts


@pytest.mark.parametrize("length", [32, 48])
def test_score_agrees_with_reading_the_text(length):
    rng = np.random.default_rng(length)
    texts = [texts_of(terms, 250, rng) for terms in TERMS]
    rollout, kept, ended = written(texts, length, rng)
    scored = jax.device_get(jax.jit(score)(rollout, problems(TERMS)))
    steps = max_steps(length)
    assert sum(scored.signals["correct"]) > len(TERMS)
    for row, text in enumerate(kept):
        wanted = read(text, ended[row], TERMS[scored.group[row]], steps, length)
        assert wanted.keys() == scored.signals.keys()
        for name, value in wanted.items():
            got = scored.signals[name][row]
            np.testing.assert_allclose(got, value, rtol=1e-6, err_msg=f"{name} {text}")
        place = [min(text[:t].count(";"), steps - 1) for t in range(length)]
        size = int(np.sum(scored.valid[row]))
        place[size:] = [-1] * (length - size)
        np.testing.assert_array_equal(scored.step[row], place, err_msg=text)


def scored(*texts, terms=(3, 4, 5), length=48):
    """These completions of one problem, each with its end."""
    ids = [[*TOKENIZER.encode(text), TOKENIZER.eos_ids[0]] for text in texts]
    rollout, _, _ = written([list(texts)], length, np.random.default_rng(0))
    valid = np.arange(length) < np.array([[len(i)] for i in ids])
    tokens = np.array([i + [0] * (length - len(i)) for i in ids])
    rollout = dataclasses.replace(
        rollout, tokens=jnp.asarray(tokens), mask=jnp.asarray(valid), valid=valid
    )
    return jax.jit(score)(rollout, problems([list(terms)]))


def test_useless_steps_are_paid_and_change_nothing_else():
    plain, padded = "3+4=7;7+5=12;#12", "3+4=7;7+0=7;3+4=7;1+1=2;7+5=12;#12"
    rollout = scored(plain, padded)
    signals = rollout.signals
    assert signals["correct"].tolist() == [1, 1]
    assert signals["step_correct"][1, :6].tolist() == [1, 0, 0, 0, 1, 0]
    reward, _ = build("process('prm')").update({}, (), rollout)
    paid = np.asarray(reward["prm"].value)
    # 2 and 5 equations at 0.9 each; the answer is not paid
    np.testing.assert_allclose(paid.sum(1), [1.8, 4.5], rtol=1e-6)
    # on the semicolons: 3+4=7; ends at token 5, 7+5=12; at 12
    assert np.flatnonzero(paid[0]).tolist() == [5, 12]


def test_a_slip_makes_later_steps_incorrect_until_it_is_mended():
    slip, mended = "3+4=8;8+5=13;#13", "3+4=8;3+4=7;7+5=12;#12"
    signals = scored(slip, mended).signals
    assert signals["correct"].tolist() == [0, 1]
    assert signals["step_correct"][:, :3].tolist() == [[0, 0, 0], [0, 1, 1]]
    # the process reward sees each equation by itself: 8+5=13 holds
    np.testing.assert_allclose(signals["prm"][0, :2], [0.1, 0.9])


def test_default_problems_leave_room_for_useless_steps():
    task = TASKS["arithmetic"]
    longest = solution([task.difficulty["max_operand"]] * task.difficulty["max_terms"])
    assert len(longest) + 1 + len("0+0=0;") > task.completion_length  # runs into it
    typical = "7+0=7;3+4=7;" + solution([3, 4, 5])
    assert len(typical) + 1 <= task.completion_length
    assert task.tokenizer.vocab_size == 64
    assert set(task.signals) <= scored("#1").signals.keys()


def test_right_demonstrations_are_right_and_noisy_ones_as_noisy_as_told():
    terms = np.random.default_rng(0).integers(1, 10, (2000, 3)).tolist()
    columns = problems(terms)

    def signals(seed=0, **noise):
        tokens, mask, valid = demonstrations(columns, seed, 32, **noise)
        rollout, _, _ = written([[""]] * len(terms), 32, np.random.default_rng(0))
        rollout = dataclasses.replace(rollout, tokens=tokens, mask=mask, valid=valid)
        return {
            k: np.asarray(v)
            for k, v in jax.jit(score)(rollout, columns).signals.items()
        }

    right = signals(noise=0.0, useless=0.0)
    assert right["correct"].all() and (right["step_correct"].sum(1) == 2).all()
    wrong = signals(noise=1.0, useless=0.0)
    assert wrong["format"].all() and not wrong["step_correct"].any()
    assert (wrong["prm"] < 0.5).all()
    # both steps right, or (1 in 18) the second slip undoes the first:
    # 0.75^2 + 0.25^2 / 18 = 0.566; standard error sqrt(0.566 * 0.434 / 2000) = 0.011
    some = signals(noise=0.25, useless=0.0)
    assert abs(some["correct"].mean() - 0.566) < 0.045
    padded = signals(**NOISE)
    useless = ((padded["prm"] > 0.5) & (padded["step_correct"] == 0)).sum(1)
    assert ((useless >= 2) & (padded["correct"] == 1)).any()
    assert (padded["format"] == 0).any()  # ran into the limit
    again = signals(**NOISE)
    assert all(np.array_equal(padded[name], again[name]) for name in padded)
    other = signals(seed=(0, 1), **NOISE)
    assert not np.array_equal(other["correct"], padded["correct"])


def test_tokenizer_round_trip_and_foreign_characters():
    text = "what is 37+48?\n"
    assert TOKENIZER.decode(TOKENIZER.encode(text)) == text
    assert TOKENIZER.decode([TOKENIZER.pad_id, 2, TOKENIZER.eos_ids[0]]) == "·0"
    assert CharTokenizer("ab").vocab_size == 4
    with pytest.raises(ValueError, match=r"\['c'\] of 'abc' are not in the vocabulary"):
        CharTokenizer("ab").encode("abc")
