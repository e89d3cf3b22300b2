"""A file of preferences: prompts, each with a better and a worse completion."""

import functools
import pathlib
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from rewardlab.data.columns import prompt_columns, written
from rewardlab.data.jsonl import read_rows
from rewardlab.text.tokenizers import Tokenizer

NAMES = ("prompt", "chosen", "rejected")


class PairTable(NamedTuple):
    """P pairs in tokens; of the two completions the first is the better one."""

    prompts: Int[np.ndarray, "P L"]  # left-padded
    prompt_mask: Bool[np.ndarray, "P L"]
    tokens: Int[np.ndarray, "P 2 T"]
    valid: Bool[np.ndarray, "P 2 T"]


def read_pairs(path: str, tokenizer: Tokenizer, length: int) -> PairTable:
    """The pairs of a file of JSON lines, with `prompt`, `chosen` and `rejected`.

    `ValueError`, in one sentence, for a file that is not there, a row without them, and
    a completion of more than `length` tokens with its end (0: as long as it likes).
    """
    file = pathlib.Path(path).expanduser()
    if not file.is_file():
        raise ValueError(f"no file {path} of pairs; write {NAMES} a line")
    known: Any = tokenizer  # one that can be hashed, as all of them
    return _read(file, file.stat().st_mtime_ns, known, length)


@functools.lru_cache(4)
def _read(file: pathlib.Path, changed: int, tokenizer: Any, length: int) -> PairTable:
    rows = read_rows(file)
    if not rows:
        raise ValueError(f"{file} has no pairs; write one a line")
    for i, row in enumerate(rows):
        for name in NAMES:
            if not isinstance(row.get(name), str):
                raise ValueError(
                    f"row {i} of {file} has no text {name!r}; write {NAMES} a line"
                )
    columns = prompt_columns([row["prompt"] for row in rows], tokenizer)
    both = [row[name] for row in rows for name in NAMES[1:]]
    sizes = [len(tokenizer.encode(text)) + 1 for text in both]
    if length and max(sizes) > length:
        worst = sizes.index(max(sizes))
        raise ValueError(
            f"row {worst // 2} of {file} has a completion of {max(sizes)} tokens, and "
            f"rows have at most {length}; raise rollout.max_completion_length"
        )
    texts = written([[(text, True)] for text in both], tokenizer, length or max(sizes))
    shape = (len(rows), 2, -1)
    return PairTable(
        columns["prompts"],
        columns["prompt_mask"],
        texts.tokens.reshape(shape),
        texts.valid.reshape(shape),
    )
