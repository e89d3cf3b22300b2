"""What rewards of texts are tried on: examples, longer texts; and the command."""

import json
import sys

import pytest
from test_cli import refused, shown

from rewardlab.testing.rewards import Example, examples_of, functions_of, read_examples
from rewardlab.testing.rewards.asking import shortened
from rewardlab.testing.rewards.examples import task_examples
from rewardlab.testing.rewards.failing import Failing
from rewardlab.testing.rewards.longer import Longer

ROWS = [
    {"prompt": "3+4=", "right": "7", "wrong": ["8", "34"], "answer": "7"},
    {"prompt": "9-5=", "right": "4", "wrong": ["5"], "answer": "4"},
]


@pytest.mark.parametrize(
    "longer, text",
    [
        (Longer("spaces", "after", 2), "<a>7</a>  "),
        (Longer("wait", "before", 6), "wait, \n<a>7</a>"),
        (Longer("marks", "in", 3), "<a> !?!7</a>"),
        (Longer("itself", "after", 4), "<a>7</a> <a>7"),
    ],
)
def test_texts_are_made_longer(longer, text):
    assert longer.of("<a>7</a>") == text
    assert longer.of("").strip(" \n!?wait,") == ""


def test_what_fails_when_it_is_read_knows_it():
    value = Failing(OSError("gone"))
    for read in (str, float, len, list, hash, lambda x: x == 1, lambda x: x.lower()):
        with pytest.raises(OSError, match="gone"):
            read(value)
    assert value.asked == 7


def test_long_texts_are_shortened():
    assert len(shortened("ab" * 500)) < 70 and "1000 characters" in shortened(
        "a" * 1000
    )


def test_wrong_completions_are_those_of_other_problems():
    rows = [{"prompt": "a", "right": ["1", "one"]}, {"prompt": "b", "right": "2"}]
    one, other = examples_of(rows)
    assert one.wrong == ("2", "I do not know.") and other.wrong[:2] == ("1", "one")
    assert one.columns == {} and examples_of([one])[0] == one


@pytest.mark.parametrize(
    "rows, said",
    [
        ([], "has no rows"),
        ([{"prompt": "a"}], "no 'right', a completion that is right; have prompt"),
        ([{"right": "a"}], "no 'prompt'"),
        ([{"prompt": "a", "right": 7}], "'right' of row 0 of the examples is no text"),
        (
            [{"prompt": "a", "right": "b", "x": 1}, {"prompt": "a", "right": "b"}],
            "the column 'x'",
        ),
    ],
)
def test_what_is_no_example_is_one_sentence(rows, said):
    with pytest.raises(ValueError, match=said):
        examples_of(rows)


def test_a_task_has_examples(tmp_path):
    """Of text, and of tokens with demonstrations; not of episodes."""
    (first, *_) = task_examples("chain_sum", str(tmp_path))
    assert first.right == (first.columns["answer"],) and first.prompt.endswith("=")
    (first, *_) = task_examples("arithmetic", str(tmp_path))
    assert first.right[0] and set(first.wrong) - {*first.right}
    with pytest.raises(ValueError, match="of episodes"):
        task_examples("search", str(tmp_path))


def test_words_of_scorers_are_functions():
    """Each for a completion by itself; a rule that raises fails for its row alone."""
    solved, format_ = functions_of("puzzle('answer')")
    asked = {"completions": ["<answer>7</answer>", "7"], "answer": ["7", "7"]}
    assert solved.function(**asked) == format_.function(**asked) == [1.0, 0.0]
    (exact,) = functions_of("last_number('answer')")
    values = exact.function(completions=["7", "7"], answer=["7", "x"])
    assert values[0] == 1.0 and isinstance(values[1], ValueError)
    assert functions_of("grpo") == [] == functions_of("outcome('correct')")
    with pytest.raises(ValueError, match="is no rule that reads one completion"):
        functions_of("win_rate('answer')")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """With a module of rewards and a file of examples; the folder that one is in."""
    text = "def exact(completions, answer, **columns):\n    return "
    text += "[float(t == a) for t, a in zip(completions, answer)]\n\n\n"
    text += (
        "def empty(completions, **columns):\n    return [t[0] for t in completions]\n"
    )
    (tmp_path / "outside_checks.py").write_text(text)
    lines = "\n".join(map(json.dumps, ROWS))
    (tmp_path / "examples.jsonl").write_text(lines)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("outside_checks", None)


def test_the_command_tells_functions_from_sentences(folder, capsys, monkeypatch):
    words = ("--examples=examples.jsonl", "--tries=5", "--limit=inf")
    said = shown(capsys, monkeypatch, "check", "outside_checks:exact", *words)
    assert "the reward exact" in said and "All that must hold does." in said
    said = shown(capsys, monkeypatch, "check", "exact('answer')", *words)
    assert "the reward correct" in said
    with pytest.raises(SystemExit) as left:
        shown(capsys, monkeypatch, "check", "outside_checks:empty", *words)
    assert left.value.code == 1


@pytest.mark.parametrize(
    "words, said",
    [
        (["grpo", "--examples=examples.jsonl"], "'grpo' is a sentence"),
        (["outside_checks:exact"], "missing a required argument: 'answer'"),
        (["outside_checks:none"], "cannot be imported"),
        (["outside_checks:exact", "--right=answer"], "give the file too"),
        (
            ["outside_checks:exact", "--examples=examples.jsonl", "--task=chain_sum"],
            "two sources",
        ),
        (["outside_checks:exact", "--examples=no.jsonl"], "cannot be read"),
    ],
)
def test_the_command_refuses_in_a_sentence(folder, capsys, monkeypatch, words, said):
    assert said in refused(capsys, monkeypatch, "check", *words)


def test_examples_are_read_from_a_file(folder):
    one, _ = read_examples("examples.jsonl")
    assert one == Example(
        "3+4=", {"answer": "7"}, ("7",), ("8", "34", "I do not know.")
    )
    two, _ = read_examples("examples.jsonl", right="answer")
    assert two.right == ("7",) and "right" in two.columns
