"""A line of words, to be written backwards.

prompt   Write this backwards, letter by letter: kettle river
answer   revir elttek
"""

import dataclasses
import pathlib

import numpy as np

from rewardlab.data import datasets
from rewardlab.data.datasets import Example
from rewardlab.data.jsonl import Row
from rewardlab.tasks.questions import SIZES, WORDS, Questions, read_questions

DIFFICULTY = {"min_words": 2, "max_words": 4, **SIZES}


@dataclasses.dataclass(eq=False, kw_only=True)
class Problems(datasets.Problems):
    """How many words a line has, `min_words` to `max_words`, and how many a split."""

    min_words: int
    max_words: int

    def __post_init__(self) -> None:
        self.name = f"{self.min_words}to{self.max_words}words_{self.sizes}"
        if not 1 <= self.min_words <= self.max_words <= len(WORDS):
            raise ValueError(
                f"{self.min_words} to {self.max_words} words make no text; keep 1 <= "
                f"min_words <= max_words <= {len(WORDS)}"
            )


class ReverseText(Questions):
    """The lines of this task; splits share no set of words."""

    builder_config: Problems

    def key(self, problem: str) -> list[str]:
        return sorted(problem.split())

    def draw(self, rng: np.random.Generator) -> str:
        config = self.builder_config
        count = rng.integers(config.min_words, config.max_words + 1)
        return " ".join(rng.choice(WORDS, count, replace=False).tolist())

    def example(self, problem: str) -> Example:
        prompt = f"Write this backwards, letter by letter: {problem}"
        return {"prompt": prompt, "answer": problem[::-1]}


def load(split: str, data_dir: str | pathlib.Path, **problems: int) -> list[Row]:
    """A split's rows, generated under `data_dir` if they are not there yet.

    `problems` are fields of `Problems`, else as in `DIFFICULTY`.
    """
    config = Problems(**(DIFFICULTY | problems))
    return read_questions(ReverseText, config, split, data_dir)
