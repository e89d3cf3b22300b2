"""Problems from files: rows are read, checked, rendered and split once."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

from rewardlab.data.batch import Batch
from rewardlab.data.columns import RESERVED, prompt_columns
from rewardlab.data.jsonl import Row
from rewardlab.text.chat import render
from rewardlab.text.tokenizers import CharTokenizer, Tokenizer

KINDS = ((bool, bool), (int, np.int32), (float, np.float32))


class Table(NamedTuple):
    """The rows of a file: prompts as they were written, and as the policy reads them.

    `columns` are the others, a list of M for each name, and `notes` what is worth
    saying of the rows.
    """

    source: str
    prompts: list[Any]
    texts: list[str]
    columns: dict[str, list[Any]]
    notes: tuple[str, ...] = ()

    def take(self, rows: Int[np.ndarray, " m"]) -> "Table":
        """Some of the rows, by their numbers."""

        def some(values: list[Any]) -> list[Any]:
            return [values[row] for row in rows]

        columns = {name: some(values) for name, values in self.columns.items()}
        prompts, texts = some(self.prompts), some(self.texts)
        return self._replace(prompts=prompts, texts=texts, columns=columns)


def table_of(rows: Sequence[Row], source: str, prompt: str = "prompt") -> Table:
    """Rows as problems, of which `prompt` is a column; `source` is for messages.

    A prompt is text, or messages `[{"role": ..., "content": ...}]`. `ValueError`, in
    one sentence with the source and the row, for rows that are no problems.
    """
    if not rows:
        raise ValueError(f"{source} has no rows; write one problem a line")
    if lacking := [i for i, row in enumerate(rows) if row.keys() != rows[0].keys()]:
        raise ValueError(
            f"row {lacking[0]} of {source} has columns {sorted(rows[lacking[0]])} and "
            f"row 0 has {sorted(rows[0])}; give all rows the same"
        )
    if prompt not in rows[0]:
        raise ValueError(
            f"{source} has no column {prompt!r}; have {sorted(rows[0])}, and "
            "data.prompt says which of them the policy reads"
        )
    if taken := [name for name in rows[0] if name in RESERVED]:
        raise ValueError(
            f"{source} has a column {taken[0]!r}, as something of the run's own is "
            "called; give it another name"
        )
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    prompts = columns.pop(prompt)
    texts = [_text(one, f"row {i} of {source}") for i, one in enumerate(prompts)]
    return Table(source, prompts, texts, columns)


def _text(prompt: Any, where: str) -> str:
    try:
        text = render(prompt)
    except ValueError as error:
        raise ValueError(f"the prompt of {where} {error}") from None
    if not text:
        raise ValueError(f"the prompt of {where} is empty; write at least a character")
    return text


def batch_from(table: Table, tokenizer: Tokenizer) -> Batch:
    """The rows as problems, of which `id` is the number of the row.

    Columns of numbers (all whole, all real, all true or false) are arrays. All columns
    are facts as they were written, with `prompts` as text or messages.
    """
    arrays: dict[str, Any] = prompt_columns(table.texts, tokenizer)
    for name, values in table.columns.items():
        if (column := _numbers(values)) is not None:
            arrays[name] = column
    arrays["id"] = np.arange(len(table.texts), dtype=np.int32)
    return Batch(arrays, {**table.columns, "prompts": table.prompts})


def _numbers(values: list[Any]) -> np.ndarray | None:
    """A column of numbers that 32 bits hold, if it is one."""
    kinds = {type(value) for value in values}
    limits = np.iinfo(np.int32)
    for kind, dtype in KINDS:
        if kinds == {kind}:
            large = kind is int and not (
                limits.min <= min(values) and max(values) <= limits.max
            )
            return None if large else np.array(values, dtype)
    return None


def split_by_share(table: Table, share: float) -> tuple[Table, Table]:
    """The rows to train on, and about `share` of them held out: the same ones always.

    Rows of one prompt stay together, so no prompt is in both.
    """
    distinct = list(dict.fromkeys(table.texts))
    count = round(share * len(distinct))
    if not 0 < count < len(distinct):
        left = "to train on" if count else "held out"
        raise ValueError(
            f"data.held_out={share} of the {len(distinct)} different prompts of "
            f"{table.source} leaves none {left}; change it, or name data.test"
        )
    order = np.random.default_rng(0).permutation(len(distinct))
    kept_apart = {distinct[i] for i in order[:count]}
    out = np.array([text in kept_apart for text in table.texts])
    return table.take(np.flatnonzero(~out)), table.take(np.flatnonzero(out))


def alphabet(tables: Sequence[Table]) -> CharTokenizer:
    """A token for each character: printable ASCII, a new line, what else there is.

    "What else" are characters of prompts and of columns of text.
    """
    ascii_ = "\n" + "".join(map(chr, range(32, 127)))
    seen: set[str] = set()
    for table in tables:
        texts = [text for column in table.columns.values() for text in column]
        for text in (*table.texts, *texts):
            seen.update(text if isinstance(text, str) else ())
    return CharTokenizer(ascii_ + "".join(sorted(seen - set(ascii_))))
