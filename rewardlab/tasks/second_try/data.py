"""The problems of the second try: sums, and their demonstrations."""

import pathlib
from typing import Any

import numpy as np

from rewardlab.data.columns import Columns, Episodes, written
from rewardlab.tasks.arithmetic import data as arithmetic
from rewardlab.tasks.arithmetic.numbers import MAX_DIGITS
from rewardlab.tasks.arithmetic.verifier import TOKENIZER
from rewardlab.tasks.second_try.text import ENVIRONMENT

DIFFICULTY = {**arithmetic.DIFFICULTY, "max_terms": 3, "max_operand": 99}
NOISE = {"noise": 0.5, "mend": 0.3, "spoil": 0.1}


def load(split: str, data_dir: str | pathlib.Path, **problems: int) -> Columns:
    """A split's columns: those of the arithmetic task, and the turn of the right answer
    as the agent writes it, `truth` [M, 6], `truth_mask`."""
    columns = arithmetic.load(split, data_dir, **(DIFFICULTY | problems))
    return arithmetic.with_truth(columns, "#{}\n", MAX_DIGITS)


def demonstrations(
    columns: Columns,
    seed: int | tuple[int, ...],
    length: int,
    noise: float,
    mend: float,
    spoil: float,
) -> Episodes:
    """Two answers to each problem, of which neither need be right.

    The first is off by 1 to 9 with probability `noise`; the second mends a wrong one
    with probability `mend`, else repeats it, and spoils a right one with probability
    `spoil`. `length` is T; an episode that does not fit is cut off.
    """
    rng = np.random.default_rng(seed)
    episodes = []
    for answer in columns["answer"].tolist():
        wrong = rng.random() < noise
        first = arithmetic.slip(answer, rng) if wrong else answer
        changes = rng.random() < (mend if wrong else spoil)
        other = answer if wrong else arithmetic.slip(answer, rng)
        episodes.append(_episode(answer, (first, other if changes else first)))
    return written(episodes, TOKENIZER, length, end=False)


def _episode(answer: int, tries: tuple[int, int]) -> list[tuple[str, bool]]:
    state: Any = ENVIRONMENT.reset({"answer": answer})
    pieces = []
    for number in tries:
        state, observed, _, _ = ENVIRONMENT.step(state, f"#{number}")
        pieces += [(f"#{number}\n", True), (observed, False)]
    return pieces
