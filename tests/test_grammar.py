"""Text of any length, depth or content is a sentence or one sentence of refusal."""

import pytest

from rewardlab import build, describe, hyperparameters, reads, resolve
from rewardlab.contrib import tanh
from rewardlab.core.compose import chain
from rewardlab.core.grammar import MOST_CALLS
from rewardlab.runs.config import default_config, use_reward
from rewardlab.runs.validate import validate
from rewardlab.transforms.sources import outcome

SOURCE = "outcome('correct')"
HOSTILE = {
    "thousands of words": SOURCE + " | tanh()" * 5000,
    "hundreds of words": SOURCE + " | tanh()" * 500,
    "nested calls": "on('a', " * 60 + "tanh()" + ")" * 60,
    "nested more than Python reads": "on('a', " * 500 + "tanh()" + ")" * 500,
    "parentheses": "(" * 3000 + SOURCE + ")" * 3000,
    "signs": f"clip_reward({'-' * 3000}1)",
    "not": "not " * 2000 + "x",
    "sums": f"clip_reward({'1+' * 600}1)",
    "attributes": "x" + ".a" * 4000,
    "subscripts": "x" + "[0]" * 3000,
    "tuples": f"budget_returns('a', {'(' * 150}1.0{',)' * 150})",
    "comparisons": "1" + "<1" * 3000,
    "a huge integer": f"clip_reward({'9' * 5000})",
    "a large integer": f"clip_reward({'9' * 400})",
    "a huge float": "clip_reward(1e400)",
    "a huge name": f"{'a' * 9000}()",
    "a huge text": f"outcome({'a' * 9000!r})",
    "a huge sentence": f"outcome({'a' * 200_000!r})",
    "a null byte": "outcome('a\0b')",
    "a null byte outside": "outcome('a')\0",
    "a surrogate": "outcome('\ud800')",
    "an f-string": "outcome(f'''a\n{1}''')",
    "a lambda": "outcome(lambda: 0)",
    "a walrus": "outcome((x := 'a'))",
    "unfinished": "outcome('a",
    "two lines": "outcome('a')\ntanh()",
    "a tab": "\tfoo bar",
    "starred": "outcome(*['a'])",
    "bytes": "outcome(b'a')",
    "complex": "clip_reward(1j)",
    "dots": "clip_reward(...)",
    "empty": "",
    "blank": " \n ",
    "another script": "оutcome('correct')",
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_text_is_refused_in_one_sentence(case):
    with pytest.raises(ValueError) as error:
        build(HOSTILE[case])
    message = str(error.value)
    assert message and "\n" not in message and len(message) < 3000


@pytest.mark.parametrize("case", HOSTILE)
def test_every_reader_of_sentences_refuses_in_one_sentence(case):
    """`hyperparameters` and `use_reward` find names, or say what is wrong."""
    config = default_config()
    for read in (hyperparameters, lambda text: use_reward(config, text), resolve):
        try:
            read(HOSTILE[case])
        except ValueError as error:
            assert "\n" not in str(error)
    config.reward = HOSTILE[case]
    with pytest.raises(ValueError) as error:
        validate(config, devices=1)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", [3, None, b"outcome('a')", ["outcome"]])
def test_what_is_not_text_is_refused(text):
    for read in (build, hyperparameters):
        with pytest.raises(ValueError, match="a sentence is text, and this is"):
            read(text)


def test_hyperparameters_of_no_sentence_are_one_sentence():
    with pytest.raises(ValueError, match="this is not a sentence, .* at character"):
        hyperparameters("outcome('correct'")


def test_a_name_that_no_method_has_is_said_at_once():
    """Not as a hyperparameter of that name without a value."""
    with pytest.raises(ValueError, match="no method 'grpoo'; did you mean 'grpo'"):
        use_reward(default_config(), "grpoo")


def test_long_sentences_of_people_are_read():
    """A hundred words, and calls within calls."""
    text = SOURCE + " | tanh()" * (MOST_CALLS - 1)
    assert describe(build(text)) == text and reads(build(text)) == {"correct"}
    nested = "on('a', " * 8 + "tanh() | tanh()" + ")" * 8
    assert describe(build(nested)) == nested


def test_a_chain_in_python_may_be_longer_than_what_is_read():
    long = chain(outcome("correct"), *[tanh()] * 2000)
    assert reads(long) == {"correct"}
    assert len(describe(long).split("|")) == 2001
    with pytest.raises(ValueError, match="is too long, at most"):
        build(describe(long))
