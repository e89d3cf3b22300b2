"""The problems of the thinker and the solver: sums, and their demonstrations."""

import pathlib
from typing import Any

import numpy as np

from rewardlab.data.columns import Columns, Episodes, written
from rewardlab.tasks.arithmetic import data as arithmetic
from rewardlab.tasks.arithmetic.numbers import MAX_DIGITS
from rewardlab.tasks.arithmetic.verifier import TOKENIZER
from rewardlab.tasks.think_solve.environment import MAX_TURNS, THINKER
from rewardlab.tasks.think_solve.text import ENVIRONMENT

DIFFICULTY = {
    **arithmetic.DIFFICULTY,
    "min_terms": 3,
    "max_terms": 3,
    "max_operand": 39,
}
NOISE = {"noise": 0.3, "silent": 0.2}


def load(split: str, data_dir: str | pathlib.Path, **problems: int) -> Columns:
    """A split's columns: those of the arithmetic task, and the turn of the right answer
    as the solver writes it, `truth` [M, 5], `truth_mask`."""
    columns = arithmetic.load(split, data_dir, **(DIFFICULTY | problems))
    return arithmetic.with_truth(columns, "{}\n", MAX_DIGITS)


def demonstrations(
    columns: Columns,
    seed: int | tuple[int, ...],
    length: int,
    noise: float,
    silent: float,
) -> Episodes:
    """One dialogue for each problem, in which either agent may err.

    A message is without content with probability `silent`; else it is the sum of all
    terms but the last, off by 1 to 9 with probability `noise`. An answer adds the last
    term to the message, or, where there is none, is the whole sum; it is off as often.
    The second round does not look at the first. `length` is T; an episode that does not
    fit is cut off.
    """
    rng = np.random.default_rng(seed)
    episodes = [
        _episode(terms, rng, noise, silent) for terms in arithmetic.terms_of(columns)
    ]
    return written(episodes, TOKENIZER, length, end=False)


def _episode(
    terms: list[int], rng: np.random.Generator, noise: float, silent: float
) -> list[tuple[str, bool]]:
    """Turns of the agents and what the environment writes, as pieces of text."""
    state: Any = ENVIRONMENT.reset({"terms": terms})
    part, pieces = sum(terms[:-1]), []
    for turn in range(MAX_TURNS):
        if turn % 2 == THINKER:
            said = message = None if rng.random() < silent else part
        else:
            said = (part if message is None else message) + terms[-1]
        if said is not None and rng.random() < noise:
            said = arithmetic.slip(said, rng)
        message = said
        action = "" if said is None else str(said)
        state, observed, _, _ = ENVIRONMENT.step(state, action)
        pieces += [(f"{action}\n", True), (observed, False)]
    return pieces
