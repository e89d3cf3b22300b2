"""The problems of the calculator: a TFDS builder, and their demonstrations."""

import dataclasses
import pathlib
from typing import Any

import numpy as np

from rewardlab.data import datasets
from rewardlab.data.columns import Columns, Episodes, written
from rewardlab.tasks.arithmetic.data import (
    PROMPT_LENGTH,
    Problem,
    Sums,
    read_sums,
    slip,
    with_truth,
)
from rewardlab.tasks.arithmetic.verifier import TOKENIZER
from rewardlab.tasks.calculator.environment import MAX_DIGITS
from rewardlab.tasks.calculator.text import ENVIRONMENT, is_hard

DIFFICULTY = {
    "min_terms": 3,
    "max_terms": 4,
    "hard_percent": 40,
    "hard_digits": 2,
    "train": 4096,
    "validation": 512,
    "test": 512,
}
NOISE = {"noise": 0.1, "waste": 0.4, "skip": 0.3}


@dataclasses.dataclass(eq=False, kw_only=True)
class Problems(datasets.Problems):
    """Which sums, and how many a split.

    A problem is `min_terms` to `max_terms` numbers, each count as likely. A term is
    large in `hard_percent` of 100, and has then `hard_digits` digits, else one.
    """

    min_terms: int
    max_terms: int
    hard_percent: int
    hard_digits: int

    def __post_init__(self) -> None:
        terms = f"{self.min_terms}to{self.max_terms}terms"
        large = f"{self.hard_percent}percent_of{self.hard_digits}digits"
        self.name = f"{terms}_{large}_{self.sizes}"
        longest = self.max_terms * (self.hard_digits + 1)
        some = 2 <= self.min_terms <= self.max_terms and 0 <= self.hard_percent <= 100
        if not some or not 2 <= self.hard_digits <= 3 or longest > PROMPT_LENGTH:
            raise ValueError(
                f"{self.min_terms} to {self.max_terms} terms, {self.hard_percent} in "
                f"100 with {self.hard_digits} digits, make no prompts; keep 2 <= "
                "min_terms <= max_terms, hard_percent within 0 to 100, hard_digits 2 "
                f"or 3 and the longest prompt within {PROMPT_LENGTH} characters"
            )


class Calculator(Sums):
    """The sums of this task."""

    builder_config: Problems

    def draw(self, rng: np.random.Generator) -> Problem:
        config = self.builder_config
        count = rng.integers(config.min_terms, config.max_terms + 1)
        large = rng.integers(100, size=count) < config.hard_percent
        digits = np.where(large, config.hard_digits, 1)
        return tuple(rng.integers(10 ** (digits - 1), 10**digits).tolist())


def load(split: str, data_dir: str | pathlib.Path, **problems: int) -> Columns:
    """A split's columns, generated under `data_dir` if it is not there yet.

    `problems` are fields of `Problems`, else as in `DIFFICULTY`. Gives `prompts`
    [M, 16], `prompt_mask`, `answer` [M], `terms` [M, max_terms], `id` [M], in the order
    of `id`, and the turn of the right answer as the agent writes it: `truth` [M, 6],
    `truth_mask`.
    """
    config = Problems(**(DIFFICULTY | problems))
    columns = read_sums(Calculator, config, split, data_dir)
    return with_truth(columns, "#{}\n", MAX_DIGITS)


def demonstrations(
    columns: Columns,
    seed: int | tuple[int, ...],
    length: int,
    noise: float,
    waste: float,
    skip: float,
) -> Episodes:
    """One episode of each problem, not always right, and with too many calls.

    An easy step is called with probability `waste`, and a hard one done in the head
    with probability `skip`. The result of a step in the head is wrong with probability
    `noise`, off by 1 to 9, and what follows goes on from it. What the tool writes is
    the environment's, not to be imitated. `length` is T; an episode that does not fit
    is cut off.
    """
    rng = np.random.default_rng(seed)
    problems = zip(columns["terms"], columns["answer"], strict=True)
    episodes = [
        _episode({"terms": terms, "answer": answer}, rng, noise, waste, skip)
        for terms, answer in problems
    ]
    return written(episodes, TOKENIZER, length, end=False)


def _episode(
    facts: dict[str, Any],
    rng: np.random.Generator,
    noise: float,
    waste: float,
    skip: float,
) -> list[tuple[str, bool]]:
    """The agent's turns and what it observes, as pieces of text."""
    state, pieces = ENVIRONMENT.reset(facts), []
    total, *terms = [int(term) for term in facts["terms"] if term >= 0]
    for term in terms:
        calls = rng.random() < (1 - skip if is_hard((total, term)) else waste)
        result = total + term
        if not calls and rng.random() < noise:
            result = slip(result, rng)
        action = f"?{total}+{term}" if calls else f"{total}+{term}={result}"
        state, observed, _, _ = ENVIRONMENT.step(state, action)
        pieces += [(f"{action}\n", True), (observed, False)]
        total = result
    return [*pieces, (f"#{total}\n", True)]
