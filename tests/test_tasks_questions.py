"""Tasks of generated questions: their splits, their answers and their verdicts."""

import re
from collections import Counter

import numpy as np
import pytest
from scored import made, written
from small import TINY_FLAT

from rewardlab.rules.countdown import solves
from rewardlab.runs.config import default_config
from rewardlab.runs.sinks import read_metrics
from rewardlab.runs.training import train
from rewardlab.scorers.verifiers import VERIFIERS
from rewardlab.tasks import TASKS
from rewardlab.tasks.chain_sum import data as chain_sum
from rewardlab.tasks.countdown import data as countdown
from rewardlab.tasks.letter_counting import data as letter_counting
from rewardlab.tasks.reverse_text import data as reverse_text

MODULES = {
    "chain_sum": chain_sum,
    "countdown": countdown,
    "letter_counting": letter_counting,
    "reverse_text": reverse_text,
}
SMALL = {"train": 60, "validation": 0, "test": 30}


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("questions")

    def load(name, split, **options):
        return MODULES[name].load(split, folder, **{**SMALL, **options})

    return load


def numbers(text):
    return [int(x) for x in re.findall(r"\d+", text)]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"max_terms": 3, "first_digits": 1},
        {"non_negative": False, "digits": 2},
    ],
)
def test_sums_are_right_and_held_out_ones_are_no_mirrors(rows, options):
    train, test = rows("chain_sum", "train", **options), rows("chain_sum", "test")
    test = rows("chain_sum", "test", **options)
    for row in (*train, *test):
        parts = row["prompt"].removesuffix(" =").split()
        total, below = int(parts[0]), False
        for sign, term in zip(parts[1::2], parts[2::2], strict=True):
            total += int(term) if sign == "+" else -int(term)
            below |= total < 0
        assert str(total) == row["answer"]
        assert not below or not options.get("non_negative", True)
    held_out = {tuple(sorted(numbers(row["prompt"]))) for row in test}
    assert held_out.isdisjoint(tuple(sorted(numbers(r["prompt"]))) for r in train)
    assert len({row["prompt"] for row in train}) == 60 and len(test) == 30


def test_letters_are_counted_and_answers_are_nearly_always_one_or_two(rows):
    train, test = (rows("letter_counting", split) for split in ("train", "test"))
    seen = Counter(row["answer"] for row in (*train, *test))
    for row in (*train, *test):
        letter, text = re.findall(r'"(.*?)"', row["prompt"])
        assert row["answer"] == str(sum(x == letter for x in text))
    assert seen["1"] + seen["2"] > 0.85 * 90
    texts = [{r["prompt"].split('"')[3] for r in split} for split in (train, test)]
    assert texts[0].isdisjoint(texts[1])


def test_every_countdown_has_a_solution_of_its_numbers(rows):
    for row in (*rows("countdown", "train"), *rows("countdown", "test")):
        assert solves(row["answer"], row["nums"], row["target"])
        assert numbers(row["prompt"]) == [*row["nums"], row["target"]]
        assert 1 <= row["target"] <= 999 and 3 <= len(row["nums"]) <= 4


def test_lines_are_written_backwards(rows):
    for row in rows("reverse_text", "train"):
        text = row["prompt"].rpartition(": ")[2]
        assert list(row["answer"]) == list(reversed(text)) and 2 <= len(text.split())


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("chain_sum", {"digits": 0}, "2 to 2 terms of up to 2 and 0 digits make no su"),
        ("chain_sum", {"min_terms": 3}, "3 to 2 terms"),
        ("chain_sum", {"first_digits": 1, "train": 900}, "too few different problems"),
        ("letter_counting", {"min_words": 4}, "4 to 3 words make no text"),
        ("reverse_text", {"max_words": 900}, "2 to 900 words make no text"),
        ("countdown", {"max_numbers": 7}, "3 to 7 numbers up to 99 .* make no puzzles"),
    ],
)
def test_impossible_questions_are_one_sentence(rows, name, options, said):
    with pytest.raises(ValueError, match=said):
        rows(name, "train", **options)


SOLVED = [
    ("25 + 3 * 8", [3, 8, 25], 49, True),
    ("(25+3)*8", [3, 8, 25], 224, True),
    ("8 / (3 - 8 / 3)", [3, 3, 8, 8], 24, True),  # no whole number on the way
    ("25 + 3 * 8", [3, 8, 25], 50, False),
    ("25 + 8 * 3 + 0 * 3", [3, 8, 25], 49, False),  # one twice
    ("25 + 24", [3, 8, 25], 49, False),
    ("3 / (8 - 8)", [3, 8, 8], 1, False),
    ("2 ** 3", [2, 3], 8, False),
    ("9**9**9**9", [9, 9, 9, 9], 1, False),
    ("x + 3", [3], 3, False),
    ("__import__('os')", [3], 3, False),
    ("(" * 10_000 + "3", [3], 3, False),
    ("", [3], 3, False),
]


@pytest.mark.parametrize(("text", "given", "target", "wanted"), SOLVED)
def test_what_solves_a_countdown(text, given, target, wanted):
    assert solves(text, given, target) is wanted


@pytest.mark.parametrize("name", sorted(MODULES))
def test_the_task_s_own_answer_is_right_and_another_is_not(rows, name):
    row = rows(name, "train")[0]
    texts = [row["answer"], "no"]
    if name == "countdown":
        texts = [f"so <answer>{row['answer']}</answer>", row["answer"]]
    first, *_ = re.match(r"(\w+)\((.*?)\)", TASKS[name].scorers).groups()
    facts = {k: [x] for k, x in row.items() if k != "prompt"}
    columns = ("nums", "target") if name == "countdown" else ("answer",)
    found = made(VERIFIERS[first](*columns), written(texts, [0, 0]), **facts)
    np.testing.assert_array_equal(found["correct"], [1, 0])


def test_a_run_of_questions_has_a_verdict(tmp_path):
    """The task brings its verifier, in training and on held-out problems."""
    config = default_config("chain_sum")
    assert config.warmup.steps == 0 and config.eval.num_problems == 128
    sizes = {"train": 40, "validation": 0, "test": 8}
    config.update_from_flattened_dict(
        {
            **TINY_FLAT,
            "data.demonstrations": "answer",
            "rollout.num_prompts": 4,
            "rollout.num_generations": 2,
            "eval.num_problems": 8,
            "eval.num_generations": 2,
            "train.max_steps": 2,
            "mesh.devices": 1,
            "data_dir": str(tmp_path / "data"),
            **{f"task.difficulty.{k}": x for k, x in sizes.items()},
        }
    )
    config.warmup.update({"steps": 2, "batch_size": 4})
    result = train(config, tmp_path / "run")
    rows = read_metrics(tmp_path / "run" / "metrics.jsonl")
    assert "rewards/correct/mean" in rows[-1] and "pass@1" in result.after
