"""Rewards on text: equal to the array verifier, and honest about failures."""

import dataclasses
import functools
import os

import arithmetic_texts
import jax
import numpy as np
import pytest
from absl import logging
from texts import problems, texts_of, written

from rewardlab.core.compose import estimator
from rewardlab.data.batch import batch_of
from rewardlab.data.columns import prompt_columns
from rewardlab.methods.sentence import build
from rewardlab.scorers.text_rewards import TextReward, text_scorer
from rewardlab.tasks.arithmetic.verifier import TOKENIZER, max_steps, score
from rewardlab.testing import from_arrays

TERMS = [[3, 4, 5], [9, 8]]
PROMPTS = prompt_columns(["3+4+5=", "9+8="], TOKENIZER, 16)


@pytest.mark.parametrize("time_limit", [float("inf"), 60.0])
def test_text_rewards_equal_the_array_verifier(time_limit):
    rng = np.random.default_rng(5)
    texts = [texts_of(terms, 200, rng) for terms in TERMS]
    rollout, _, _ = written(texts, 32, rng)
    columns = PROMPTS | problems(TERMS)
    steps = max_steps(32)
    wanted = jax.jit(score)(rollout, problems(TERMS)).signals
    for reward in (
        TextReward("correct", arithmetic_texts.correct, 0, time_limit),
        TextReward("prm", arithmetic_texts.prm, steps, time_limit),
    ):
        got = answers(reward, rollout, batch_of(columns))
        np.testing.assert_array_equal(got[reward.name], wanted[reward.name])
        assert not got[f"{reward.name}_error"].any()
        assert not got[f"{reward.name}_timeout"].any()
        if reward.name == "prm":
            np.testing.assert_array_equal(got["prm_valid"], wanted["prm_valid"])
        else:
            assert got["correct_valid"].all() and got["correct"].any()


def answers(reward, rollout, batch):
    """The signals of a text reward, asked as a run asks it."""
    scorer = text_scorer(reward, TOKENIZER)
    found = scorer.score((), None, rollout, batch)
    assert scorer.place == "host" and found.keys() == scorer.provides.keys()
    return {k: np.asarray(v) for k, v in found.items()}


def asked(function, **how):
    """The signals that `function` makes of two completions to each of two prompts."""
    rollout, _, _ = written([["#1", "#2"], ["#3", "#4"]], 8, np.random.default_rng(0))
    columns = PROMPTS | {"answer": np.array([12, 17]), "level": np.array(["a", "b"])}
    reward = TextReward("judge", function, **how)
    signals = answers(reward, rollout, batch_of(columns))
    return signals, rollout.with_signals(**signals)


def test_the_function_is_asked_once_and_gets_every_column():
    calls = []

    def judge(prompts, completions, completion_ids=None, **columns):
        calls.append((prompts, completions, completion_ids, columns))
        return [1] * len(prompts)

    asked(judge)
    ((prompts, completions, ids, columns),) = calls
    assert prompts == ["3+4+5=", "3+4+5=", "9+8=", "9+8="]
    assert completions == ["#1", "#2", "#3", "#4"]
    assert [TOKENIZER.decode(row) for row in ids] == completions
    assert columns == {"answer": [12, 12, 17, 17], "level": ["a", "a", "b", "b"]}


def test_none_abstains_and_stays_out_of_the_baseline():
    signals, rollout = asked(lambda **_: [1.0, 3.0, None, 2.0])
    assert signals["judge_valid"].tolist() == [True, True, False, True]
    assert signals["judge"].tolist() == [1, 3, 0, 2]
    assert not signals["judge_error"].any() and not signals["judge_timeout"].any()
    sentence = estimator(build("outcome('judge') | center_by_group()"))
    advantage, _ = sentence.update({}, sentence.init(rollout), rollout)
    # the last row is alone in its group; against a zero it would get 2 - 1 = 1
    assert np.asarray(advantage).sum(axis=1).tolist() == [-1, 1, 0, 0]


@pytest.fixture
def said(monkeypatch):
    """What is logged as a warning."""
    lines = []
    monkeypatch.setattr(
        logging, "warning", lambda text, *args: lines.append(text % args)
    )
    return lines


def hang(**_):
    while True:
        pass


def leave(**_):
    os._exit(3)


def stop(**_):
    raise SystemExit(2)


def fail(**_):
    raise KeyError("label")


def mute(**_):
    raise type("Mute", (Exception,), {"__str__": None})


def chatter(**_):
    raise ValueError("line\n" * 1000)


@pytest.mark.parametrize(
    ("function", "limit", "outcome", "reason"),
    [
        (fail, float("inf"), "error", "KeyError: 'label'"),
        (fail, 60.0, "error", "KeyError: 'label'"),
        (stop, float("inf"), "error", "SystemExit: 2"),
        (mute, float("inf"), "error", "Mute: it does not say why"),
        (chatter, 60.0, "error", "ValueError: " + "line " * 59 + "..."),
        (leave, 60.0, "error", "its process ended without an answer"),
        (hang, 0.2, "timeout", "it took more than 0.2 s"),
        (lambda **_: [1.0], 60.0, "error", "it gave 1 values for 4 completions"),
    ],
)
def test_failures_are_no_zeros_and_say_why(function, limit, outcome, reason, said):
    signals, _ = asked(function, time_limit=limit)
    assert not signals["judge_valid"].any()
    assert signals[f"judge_{outcome}"].all()
    assert not signals[
        {"error": "judge_timeout", "timeout": "judge_error"}[outcome]
    ].any()
    assert said == [
        f"the reward 'judge' failed for 4 of 4 completions, first because: {reason}"
    ]
    with pytest.raises(RuntimeError, match="mend it, or set stop_on_failure=False"):
        asked(function, time_limit=limit, stop_on_failure=True)


def test_one_bad_value_leaves_the_others():
    signals, _ = asked(lambda **_: [0.25, float("nan"), "0.5", None])
    assert signals["judge"].tolist() == [0.25, 0, 0, 0]
    assert signals["judge_valid"].tolist() == [True, False, False, False]
    assert signals["judge_error"].tolist() == [False, True, True, False]


def test_a_list_a_completion_rewards_steps():
    answers = [[1, None, 0.5], [], None, 3.0]
    signals, _ = asked(lambda **_: answers, steps=2)
    assert signals["judge"].tolist() == [[1, 0], [0, 0], [0, 0], [0, 0]]
    assert signals["judge_valid"].tolist() == [[True, False]] + [[False, False]] * 3
    assert signals["judge_error"].tolist() == [False, False, False, True]
    assert asked(lambda **_: [[1.0]] * 4)[0]["judge_error"].all()  # steps=0


def spoken(*texts):
    """A rollout of one row: the policy, a tool, the policy, ..."""
    ids = [TOKENIZER.encode(text) for text in texts]
    own = [[i % 2 == 0] * len(text) for i, text in enumerate(texts)]
    turn = [[i // 2] * len(text) for i, text in enumerate(texts)]
    flat = lambda lists: np.array([sum(lists, [])])  # noqa: E731
    valid = np.ones_like(flat(own))
    rollout = from_arrays(flat(own), step=flat(turn), valid=valid)
    return dataclasses.replace(rollout, tokens=flat(ids).astype(np.int32))


def test_the_words_of_a_tool_are_not_the_policys():
    heard = {}

    def judge(prompts, completions, completion_ids, completion_mask, **columns):
        heard.update(locals())
        own = [[m for m in row if m["role"] == "assistant"] for row in completions]
        return [any("leak" in m["content"] for m in row) for row in own]

    columns = batch_of(prompt_columns(["3+4="], TOKENIZER, 16))
    ask = functools.partial(answers, TextReward("judge", judge), batch=columns)
    signals = ask(spoken("#1", "leak", "#2"))
    assert signals["judge"].tolist() == [0] and signals["judge_valid"].all()
    assert heard["prompts"] == [[{"role": "user", "content": "3+4="}]]
    assert heard["completions"] == [
        [
            {"role": "assistant", "content": "#1"},
            {"role": "tool", "content": "leak"},
            {"role": "assistant", "content": "#2"},
        ]
    ]
    assert TOKENIZER.decode(heard["completion_ids"][0]) == "#1leak#2"
    assert heard["completion_mask"] == [[True] * 2 + [False] * 4 + [True] * 2]
    assert ask(spoken("leak", "#1"))["judge"].tolist() == [1]


def test_turns_that_nothing_answers_are_messages_of_their_own():
    rollout = spoken("#1", "a", "#2", "b", "#3#4")
    rollout = dataclasses.replace(
        rollout, step=np.where(np.arange(10) < 8, rollout.step, 3)
    )
    heard = []
    judge = TextReward("judge", lambda completions, **_: heard.extend(completions))
    batch = batch_of(prompt_columns(["1="], TOKENIZER, 4))
    answers(judge, rollout, batch)
    said = [m["content"] for m in heard[0]]
    assert said == ["#1", "a", "#2", "b", "#3", "#4"]
