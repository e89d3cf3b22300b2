"""Rewards on text: equal to the array verifier, and honest about failures."""

import os

import jax
import numpy as np
import pytest
from absl import logging
from texts import problems, texts_of, written

from rewardlab.compose import estimator
from rewardlab.sentence import build
from rewardlab.tasks import arithmetic_text
from rewardlab.tasks.arithmetic import TOKENIZER, max_steps, score
from rewardlab.tasks.columns import prompt_columns
from rewardlab.tasks.host import TextReward, host_signal

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
        TextReward("correct", arithmetic_text.correct, 0, time_limit),
        TextReward("prm", arithmetic_text.prm, steps, time_limit),
    ):
        got = host_signal(reward, TOKENIZER)(rollout, columns).signals
        np.testing.assert_array_equal(got[reward.name], wanted[reward.name])
        assert not got[f"{reward.name}_error"].any()
        assert not got[f"{reward.name}_timeout"].any()
        if reward.name == "prm":
            np.testing.assert_array_equal(got["prm_valid"], wanted["prm_valid"])
        else:
            assert got["correct_valid"].all() and got["correct"].any()


def asked(function, **how):
    """The signals that `function` makes of two completions to each of two prompts."""
    rollout, _, _ = written([["#1", "#2"], ["#3", "#4"]], 8, np.random.default_rng(0))
    columns = PROMPTS | {"answer": np.array([12, 17]), "level": np.array(["a", "b"])}
    added = host_signal(TextReward("judge", function, **how), TOKENIZER)
    rollout = added(rollout, columns)
    return {k: np.asarray(v) for k, v in rollout.signals.items()}, rollout


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


def hang(**_):
    while True:
        pass


def leave(**_):
    os._exit(3)


def fail(**_):
    raise KeyError("label")


@pytest.mark.parametrize(
    ("function", "limit", "outcome", "reason"),
    [
        (fail, float("inf"), "error", "KeyError: 'label'"),
        (fail, 60.0, "error", "KeyError: 'label'"),
        (leave, 60.0, "error", "its process ended without an answer"),
        (hang, 0.2, "timeout", "it took more than 0.2 s"),
        (lambda **_: [1.0], 60.0, "error", "it gave 1 values for 4 completions"),
    ],
)
def test_failures_are_no_zeros_and_say_why(
    function, limit, outcome, reason, monkeypatch
):
    said = []
    monkeypatch.setattr(
        logging, "warning", lambda text, *args: said.append(text % args)
    )
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
    numbers = asked(lambda **_: [True, np.float32(0.5), np.bool_(False), 2])[0]
    assert numbers["judge"].tolist() == [1, 0.5, 0, 2]
    assert numbers["judge_valid"].all()


def test_a_list_a_completion_rewards_steps():
    answers = [[1, None, 0.5], [], None, 3.0]
    signals, _ = asked(lambda **_: answers, steps=2)
    assert signals["judge"].tolist() == [[1, 0], [0, 0], [0, 0], [0, 0]]
    assert signals["judge_valid"].tolist() == [[True, False]] + [[False, False]] * 3
    assert signals["judge_error"].tolist() == [False, False, False, True]
    assert asked(lambda **_: [[1.0]] * 4)[0]["judge_error"].all()  # steps=0
