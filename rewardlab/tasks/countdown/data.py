"""Countdown: an expression of given numbers, each once, that is worth the target.

    prompt   Use each of the numbers 3, 8, 25 once, with + - * / and brackets, to make
             49. Write the expression between <answer> and </answer>.
    nums     [3, 8, 25]
    target   49
    answer   25 + 3 * 8

The answer is one of several, and no verifier reads it.
"""

import dataclasses
from fractions import Fraction
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from rewardlab.data import datasets
from rewardlab.data.datasets import Example
from rewardlab.tasks.questions import SIZES, Questions, loader

DIFFICULTY = {
    "min_numbers": 3,
    "max_numbers": 4,
    "largest": 99,
    "largest_target": 999,
    **SIZES,
}
Problem = tuple[tuple[int, ...], int, str]  # the numbers, the target, a solution


@dataclasses.dataclass(eq=False, kw_only=True)
class Problems(datasets.Problems):
    """Which puzzles, and how many a split; each has a solution.

    There are `min_numbers` to `max_numbers` numbers from 1 to `largest`, and the target
    is whole, from 1 to `largest_target`.
    """

    min_numbers: int
    max_numbers: int
    largest: int
    largest_target: int

    def __post_init__(self) -> None:
        numbers = f"{self.min_numbers}to{self.max_numbers}numbers_upto{self.largest}"
        self.name = f"{numbers}_targets_upto{self.largest_target}_{self.sizes}"
        some = 2 <= self.min_numbers <= self.max_numbers <= 6
        if not some or self.largest < 1 or self.largest_target < 1:
            raise ValueError(
                f"{self.min_numbers} to {self.max_numbers} numbers up to "
                f"{self.largest} with targets up to {self.largest_target} make no "
                "puzzles; keep 2 <= min_numbers <= max_numbers <= 6, and 1 or more"
            )


class Countdown(Questions):
    """The puzzles of this task; splits share no set of numbers with its target."""

    builder_config: Problems

    def features(self) -> dict[str, Any]:
        numbers = tfds.features.Sequence(tfds.features.Scalar(np.int32))
        target = tfds.features.Scalar(np.int32)
        return {**super().features(), "nums": numbers, "target": target}

    def key(self, problem: Problem) -> Any:
        return sorted(problem[0]), problem[1]

    def draw(self, rng: np.random.Generator) -> Problem:
        config = self.builder_config
        while True:
            count = rng.integers(config.min_numbers, config.max_numbers + 1)
            numbers = rng.integers(1, config.largest + 1, count).tolist()
            value, text = _solution(numbers, rng)
            if value.denominator == 1 and 1 <= value <= config.largest_target:
                return tuple(numbers), int(value), text

    def example(self, problem: Problem) -> Example:
        numbers, target, answer = problem
        prompt = (
            f"Use each of the numbers {', '.join(map(str, numbers))} once, with + - * "
            f"/ and brackets, to make {target}. Write the expression between <answer> "
            "and </answer>."
        )
        told = {"nums": list(numbers), "target": target}
        return {"prompt": prompt, "answer": answer, **told}


def _solution(numbers: list[int], rng: np.random.Generator) -> tuple[Fraction, str]:
    """Two of what there is are joined, at random, until one is left."""
    left = [(Fraction(x), str(x)) for x in numbers]
    while len(left) > 1:
        one, other = (left.pop(int(rng.integers(len(left)))) for _ in range(2))
        left.append(_joined(one, other, "+-*/"[rng.integers(4)], len(left) > 0))
    return left[0]


def _joined(
    one: tuple[Fraction, str], other: tuple[Fraction, str], sign: str, inner: bool
) -> tuple[Fraction, str]:
    (a, left), (b, right) = one, other
    if sign == "/" and b == 0:
        sign = "+"
    values = {"+": a + b, "-": a - b, "*": a * b, "/": a / (b or 1)}
    text = f"{left} {sign} {right}"
    return values[sign], f"({text})" if inner else text


load = loader(Countdown, Problems, DIFFICULTY)
