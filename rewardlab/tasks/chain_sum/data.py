"""Short sums and differences, and the number that is the answer.

prompt   47 - 6 =
answer   41
"""

import dataclasses
from typing import Any

import numpy as np

from rewardlab.data import datasets
from rewardlab.data.datasets import Example
from rewardlab.tasks.questions import SIZES, Questions, loader

MOST_DIGITS = 9
DIFFICULTY: dict[str, Any] = {
    "min_terms": 2,
    "max_terms": 2,
    "first_digits": 2,
    "digits": 1,
    "non_negative": True,
    **SIZES,
}
Problem = tuple[tuple[int, ...], str]  # the terms, and "+" or "-" before each but one


@dataclasses.dataclass(eq=False, kw_only=True)
class Problems(datasets.Problems):
    """Which sums, and how many a split.

    A problem has `min_terms` to `max_terms` numbers. The first has 1 to `first_digits`
    digits and the others have 1 to `digits`, each count as likely as long as there are
    new problems of it. With `non_negative` no sum so far is below 0.
    """

    min_terms: int
    max_terms: int
    first_digits: int
    digits: int
    non_negative: bool

    def __post_init__(self) -> None:
        terms = f"{self.min_terms}to{self.max_terms}terms"
        digits = f"{self.first_digits}and{self.digits}digits"
        sign = "non_negative" if self.non_negative else "signed"
        self.name = f"{terms}_{digits}_{sign}_{self.sizes}"
        most, least = (f(self.first_digits, self.digits) for f in (max, min))
        if not 2 <= self.min_terms <= self.max_terms or not 1 <= least <= most <= 9:
            raise ValueError(
                f"{self.min_terms} to {self.max_terms} terms of up to "
                f"{self.first_digits} and {self.digits} digits make no sums; keep 2 <= "
                f"min_terms <= max_terms, and 1 to {MOST_DIGITS} digits"
            )


class ChainSum(Questions):
    """The sums of this task.

    Splits share no set of numbers: neither a sum nor its mirror, nor the difference of
    the same two, is in another one.
    """

    builder_config: Problems

    def key(self, problem: Problem) -> list[int]:
        return sorted(problem[0])

    def draw(self, rng: np.random.Generator) -> Problem:
        config = self.builder_config
        count = int(rng.integers(config.min_terms, config.max_terms + 1))
        terms, signs = [_number(config.first_digits, rng)], ""
        total = terms[0]
        for _ in range(count - 1):
            term, minus = _number(config.digits, rng), rng.random() < 0.5
            if minus and config.non_negative and term > total:
                minus = False
            total += -term if minus else term
            terms.append(term)
            signs += "-" if minus else "+"
        return tuple(terms), signs

    def example(self, problem: Problem) -> Example:
        (first, *others), signs = problem
        pairs = list(zip(signs, others, strict=True))
        text = "".join(f" {sign} {term}" for sign, term in pairs)
        answer = first + sum(-x if sign == "-" else x for sign, x in pairs)
        return {"prompt": f"{first}{text} =", "answer": str(answer)}


def _number(digits: int, rng: np.random.Generator) -> int:
    """Of 1 to `digits` digits, each count as likely; 0 has one."""
    count = int(rng.integers(1, digits + 1))
    return int(rng.integers(10 ** (count - 1) if count > 1 else 0, 10**count))


load = loader(ChainSum, Problems, DIFFICULTY)
