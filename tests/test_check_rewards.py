"""`rewardlab.check` of functions that read text: what is broken is found, and small."""

import math
import random

import pytest

from rewardlab import TextReward, check
from rewardlab.testing.rewards import functions_of
from rewardlab.testing.rewards.checking import SAYS

ROWS = [
    {"prompt": "3+4=", "right": "7", "wrong": ["8", "34"], "answer": "7"},
    {"prompt": "9-5=", "right": "4", "wrong": ["5"], "answer": "4"},
]


def tried(function, **how):
    """What is found, in this process and with few draws."""
    how = {"examples": ROWS, "tries": 40, "limit": math.inf, **how}
    return check(function, **how)


def each(judge):
    """A function of one text and its true answer, as one of a batch."""

    def reward(completions, answer, **_):
        return [judge(*pair) for pair in zip(completions, answer, strict=True)]

    return reward


def last(text, answer):
    return float(text.split()[-1:] == [answer])


def swallowed(text, answer):
    try:
        return float(int(text.split()[-1]) == int(answer))
    except Exception:
        return 0.0


def by_place(completions, answer, **_):
    paid = map(last, completions, answer)
    return [x - 0.1 * i for i, x in enumerate(paid)]


BROKEN = {
    "it takes the last word of a text that has none": (
        each(lambda text, answer: float(text.split()[-1] == answer)),
        "answers",
        "of '': IndexError: list index out of range",
    ),
    "it divides by what it finds": (
        each(lambda text, answer: last(text, answer) / (1 - ("(" in text))),
        "answers",
        "ZeroDivisionError",
    ),
    "it gives what is no number": (
        each(lambda text, answer: float(text) if text == "nan" else 0.0),
        "answers",
        "of 'nan': nan is not a finite number",
    ),
    "it draws lots": (
        each(lambda text, answer: random.random()),
        "repeats",
        "of '7': first 0.",
    ),
    "it looks at the place in the batch": (by_place, "neighbours", "'7' alone gets 1"),
    "places count for equals too": (by_place, "equal", "'7', '7', '7': 1 as the first"),
    "it likes what is wrong": (
        each(lambda text, answer: 1 - last(text, answer)),
        "right_first",
        "right '7' gets 0, wrong '8' 1",
    ),
    "a long text is fined without end": (
        each(lambda text, answer: last(text, answer) - 0.001 * len(text)),
        "penalty",
        "right '7' with 1001 more characters (spaces) after it gets -0.002",
    ),
    "a long text is paid": (
        each(lambda text, answer: last(text, answer) + min(len(text), 500) / 1000),
        "length",
        "wrong '8' gets 0.001, with 1 more character (spaces) after it 0.002",
    ),
    "a long thought is paid": (
        each(lambda text, answer: min(len(text.split(answer)[0]), 500) / 1000),
        "length",
        "(spaces)",
    ),
    "it counts": (
        each(lambda text, answer: last(text, answer) + len(text)),
        "bounded",
        "'7' with 99 more characters (spaces) after it gets 101",
    ),
    "a time-out is a zero": (
        each(swallowed),
        "failure",
        "TimeoutError while it reads 'answer' is paid 0",
    ),
}


@pytest.mark.parametrize("why", BROKEN)
def test_what_is_broken_is_found(why):
    function, law, said = BROKEN[why]
    found = tried(function)
    assert found.findings[law].broken and not found.passed
    assert said in found.findings[law].why
    assert f"! {law} " in str(found)


@pytest.mark.parametrize(
    "function",
    [
        each(last),
        each(lambda text, answer: max(last(text, answer) - 1e-4 * len(text), 0.0)),
        each(lambda text, answer: None if "?" in text else last(text, answer)),
    ],
)
def test_a_sound_reward_passes(function):
    found = tried(function)
    assert found.passed, str(found)
    assert {one.verdict for one in found.findings.values()} == {"holds"}
    assert set(found.findings) == set(SAYS) and "! " not in str(found)


def test_async_functions_and_text_rewards_are_asked_too():
    async def reward(completions, answer, **_):
        return [last(*pair) for pair in zip(completions, answer, strict=True)]

    assert tried(TextReward("mine", reward), tries=5).passed
    with pytest.raises(ValueError, match="numbers for steps"):
        tried(TextReward("mine", reward, steps=2))


def test_a_reward_of_style_is_not_asked_what_is_right():
    found = tried(each(lambda text, answer: float("\n" not in text)))
    assert found.passed and found.findings["right_first"].verdict == "not tried"
    assert "one of style" in found.findings["penalty"].why


def test_without_examples_only_what_needs_none_is_tried():
    found = tried(lambda completions, **_: [0.0] * len(completions), examples=())
    assert found.passed and found.findings["right_first"].verdict == "not tried"
    with pytest.raises(ValueError, match="missing a required argument: 'answer'"):
        check(each(last))


def test_a_law_that_is_not_meant_to_hold_may_be_left_out():
    function, law, _ = BROKEN["a long text is paid"]
    found = tried(function, without=[law])
    assert found.passed and found.findings[law].verdict == "does not hold"
    assert "not claimed" in str(found)
    with pytest.raises(ValueError, match="no law 'size'; have answers,"):
        tried(function, without=["size"])


def test_what_fails_on_the_examples_is_tried_no_further():
    def reward(completions, **_):
        return [{"8": 1.0}[text] for text in completions]

    found = tried(reward).findings
    assert found["answers"].why == "of '7': KeyError: '7'"
    assert all(one.verdict == "not tried" for one in list(found.values())[1:])


def test_a_text_that_takes_too_long_is_a_time_out():
    def reward(completions, answer, **_):
        while any(len(text) > 50_000 for text in completions):
            pass
        return [last(*pair) for pair in zip(completions, answer, strict=True)]

    found = tried(reward, limit=0.5, tries=5).findings["answers"]
    assert found.broken and "it took more than 0.5 s" in found.why


SUM = [
    {
        "prompt": "the sum",
        "right": "<think>a</think> it is 41",
        "wrong": ["<think>b</think> it is 14"],
        "answer": "41",
    }
]
TEXT = [
    {
        "prompt": "a line",
        "right": "the cat sat on the mat",
        "wrong": ["dogs bark at night as ever"],
        "answer": "the cat sat on the mat",
    }
]
# What pays for a part of the truth, or for length itself, is meant to.
MEANT = {
    "bleu('answer')": (TEXT, set()),
    "rouge('answer')": (TEXT, set()),
    "exact_match('answer')": (TEXT, set()),
    "cover_match('answer')": (SUM, set()),
    "last_number('answer')": (SUM, set()),
    "thinking_length()": (SUM, {"length"}),
    "reasoning_phrases()": (SUM, {"length"}),
}


@pytest.mark.parametrize("word", MEANT)
def test_our_own_rewards_keep_the_laws(word):
    examples, meant = MEANT[word]
    (function,) = functions_of(word)
    found = tried(function, examples=examples)
    broken = {law for law, one in found.findings.items() if one.broken}
    assert broken == meant, str(found)
