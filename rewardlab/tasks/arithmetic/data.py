"""The problems of the arithmetic task: a TFDS builder, and their demonstrations."""

import dataclasses
import pathlib
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from rewardlab.data import datasets
from rewardlab.data.columns import Columns, Episodes, prompt_columns, written
from rewardlab.data.datasets import Example
from rewardlab.tasks.arithmetic.verifier import TOKENIZER

PROMPT_LENGTH = 16
Problem = tuple[int, ...]

DIFFICULTY = {
    "min_terms": 2,
    "max_terms": 4,
    "max_operand": 9,
    "train": 4096,
    "validation": 512,
    "test": 512,
}
NOISE = {"noise": 0.25, "useless": 0.08}


@dataclasses.dataclass(eq=False, kw_only=True)
class Problems(datasets.Problems):
    """Which sums, and how many a split.

    A problem is `min_terms` to `max_terms` numbers (each count as likely, as long as
    there are new problems of it) between 1 and `max_operand`.
    """

    min_terms: int
    max_terms: int
    max_operand: int

    def __post_init__(self) -> None:
        terms = f"{self.min_terms}to{self.max_terms}terms_upto{self.max_operand}"
        self.name = f"{terms}_{self.sizes}"
        longest = self.max_terms * (len(str(self.max_operand)) + 1)
        some = 2 <= self.min_terms <= self.max_terms and self.max_operand >= 1
        if not some or longest > PROMPT_LENGTH:
            raise ValueError(
                f"{self.min_terms} to {self.max_terms} terms up to {self.max_operand} "
                "make no prompts; keep 2 <= min_terms <= max_terms, max_operand >= 1 "
                f"and the longest prompt within {PROMPT_LENGTH} characters"
            )


class Sums(datasets.ProblemBuilder):
    """Sums with `prompt`, `answer`, `terms` (padded with -1) and a unique `id`.

    Splits share no problem, nor one that differs only in the order of its terms. The
    config has `max_terms`.
    """

    def features(self) -> dict[str, Any]:
        terms = (self.builder_config.max_terms,)
        return {
            "prompt": tfds.features.Text(),
            "answer": tfds.features.Scalar(np.int32),
            "terms": tfds.features.Tensor(shape=terms, dtype=np.int32),
        }

    def key(self, problem: Problem) -> list[int]:
        return sorted(problem)

    def example(self, problem: Problem) -> Example:
        padding = [-1] * (self.builder_config.max_terms - len(problem))
        return {
            "prompt": "+".join(map(str, problem)) + "=",
            "answer": sum(problem),
            "terms": [*problem, *padding],
        }


class Arithmetic(Sums):
    """The sums of this task."""

    builder_config: Problems

    def draw(self, rng: np.random.Generator) -> Problem:
        config = self.builder_config
        count = rng.integers(config.min_terms, config.max_terms + 1)
        return tuple(rng.integers(1, config.max_operand + 1, count).tolist())


def with_truth(columns: Columns, turn: str, digits: int) -> Columns:
    """The columns, and the turn of the right answer as the agent writes it: `truth`
    [M, L], `truth_mask`.

    `turn` has {} in the place of the answer, which has at most so many `digits`.
    """
    answers = [[(turn.format(answer), True)] for answer in columns["answer"]]
    length = len(turn.format("")) + digits
    truth = written(answers, TOKENIZER, length, end=False)
    return {**columns, "truth": truth.tokens, "truth_mask": truth.valid}


def read_sums(
    builder: type[Sums],
    config: datasets.Problems,
    split: str,
    data_dir: str | pathlib.Path,
) -> Columns:
    """A split's `prompts`, `prompt_mask`, `answer`, `terms` and `id`."""
    examples = datasets.read(builder, config, split, data_dir)
    texts = [example["prompt"].decode() for example in examples]
    columns = prompt_columns(texts, TOKENIZER, PROMPT_LENGTH)
    for name in ("id", "answer", "terms"):
        columns[name] = np.array([example[name] for example in examples], np.int32)
    return columns


def slip(result: int, rng: np.random.Generator) -> int:
    """A wrong result, off by 1 to 9 and not below 0."""
    off = int(rng.integers(1, 10))
    return result + (off if rng.random() < 0.5 or off > result else -off)


def load(split: str, data_dir: str | pathlib.Path, **problems: int) -> Columns:
    """A split's columns, generated under `data_dir` if it is not there yet.

    `problems` are fields of `Problems`, else as in `DIFFICULTY`. Gives `prompts`
    [M, 16], `prompt_mask`, `answer` [M], `terms` [M, max_terms], `id` [M], in the order
    of `id`, and the right solution as text, `reference` [M].
    """
    config = Problems(**(DIFFICULTY | problems))
    columns = read_sums(Arithmetic, config, split, data_dir)
    return {**columns, "reference": right_solutions(columns)}


def right_solutions(columns: Columns) -> np.ndarray:
    """The right solution of each problem as text, [M]."""
    rng = np.random.default_rng(0)  # draws nothing that counts
    return np.array([_solution(terms, rng, 0, 0) for terms in terms_of(columns)])


def demonstrations(
    columns: Columns,
    seed: int | tuple[int, ...],
    length: int,
    noise: float,
    useless: float,
) -> Episodes:
    """One written-out solution of each problem, not always right.

    The result of a step is wrong with probability `noise`, off by 1 to 9, and what
    follows goes on from it. After a step, with probability `useless`, comes a step that
    holds and leads nowhere: `+0`, or the last step again; and then perhaps another.
    `length` is T; a solution that does not fit is cut off, without an end.
    """
    rng = np.random.default_rng(seed)
    texts = [
        [(_solution(terms, rng, noise, useless), True)] for terms in terms_of(columns)
    ]
    return written(texts, TOKENIZER, length)


def terms_of(columns: Columns) -> list[list[int]]:
    """The terms of each sum, in order.

    [[3, 4, -1]] -> [[3, 4]]
    """
    return [[t for t in terms if t >= 0] for terms in columns["terms"].tolist()]


def _solution(
    terms: list[int], rng: np.random.Generator, noise: float, useless: float
) -> str:
    total, text = terms[0], ""
    for term in terms[1:]:
        result = total + term
        if rng.random() < noise:
            result = slip(result, rng)
        step = f"{total}+{term}={result};"
        text, total = text + step, result
        while rng.random() < useless:
            repeats = rng.random() < 0.5
            text += step if repeats else f"{total}+0={total};"
    return f"{text}#{total}"
