"""Sums that come twice, the second time with their terms in another order.

prompts      37+48+5=  and  5+48+37=
`pair`       the same number for both, so they are drawn into one batch
"""

import pathlib

import numpy as np

from rewardlab.data.columns import Columns, prompt_columns
from rewardlab.tasks.arithmetic import data as sums
from rewardlab.tasks.arithmetic.verifier import TOKENIZER


def load(split: str, data_dir: str | pathlib.Path, **problems: int) -> Columns:
    """The columns of the arithmetic task, every sum followed by its rewriting.

    That has the terms from the last to the first. `pair` [2 M] is the number of the sum
    and `id` twice that, and one more for the rewriting.
    """
    columns = sums.load(split, data_dir, **problems)
    turned = [terms[::-1] for terms in sums.terms_of(columns)]
    texts = ["+".join(map(str, terms)) + "=" for terms in turned]
    width = columns["terms"].shape[1]
    padded = [[*terms, *[-1] * (width - len(terms))] for terms in turned]
    other = prompt_columns(texts, TOKENIZER, sums.PROMPT_LENGTH)
    other |= {"terms": np.array(padded, np.int32), "answer": columns["answer"]}
    number = columns["id"]
    whole = {name: _in_turn(columns[name], other[name]) for name in other}
    whole |= {"id": _in_turn(2 * number, 2 * number + 1)}
    whole |= {"pair": _in_turn(number, number)}
    return {**whole, "reference": sums.right_solutions(whole)}


def _in_turn(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """One row of each, in turn."""
    return np.stack([first, second], axis=1).reshape(-1, *first.shape[1:])
