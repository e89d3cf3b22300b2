"""The prompts of a split in the format that the group `data` of a config names."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rewardlab.data.files import Table
from rewardlab.data.sources import read_table
from rewardlab.text.formats import (
    Render,
    Row,
    chat,
    few_shot,
    instructed,
    plain,
    stop_of,
)
from rewardlab.text.tokenizers import Tokenizer

Tables = Callable[[str], Table]  # by the split's name


def in_format(
    split: str, tables: Tables, data: Mapping[str, Any], tokenizer: Tokenizer
) -> Table:
    """The problems of a split, their texts as the policy reads them.

    Problems that serve as shots are in neither split. `ValueError`, in one sentence
    with the row, for a prompt that cannot be written so.
    """
    table = tables(split)
    shots: list[Row] = []
    if data["format"] == "few_shot":
        shots = _shots(tables, data)
        solved = {shot["prompt"] for shot in shots}
        own = [row for row, text in enumerate(table.texts) if text not in solved]
        table = table.take(np.array(own, np.int64))
        if not own:
            raise ValueError(
                f"every prompt of {table.source} is a shot; lower data.shots"
            )
    write, told = _render(data, tokenizer, shots), data["instruction"]
    texts = [
        _text(write, instructed(prompt, told), row, f"row {i} of {table.source}")
        for i, (prompt, row) in enumerate(zip(table.prompts, _rows(table), strict=True))
    ]
    return table._replace(texts=texts)


def stops_of(data: Mapping[str, Any]) -> tuple[str, ...]:
    """The strings that end an answer in the format, where `rollout.stop` names none."""
    stop = stop_of(data["shot"]) if data["format"] == "few_shot" else ""
    return (stop,) if stop else ()


def _render(data: Mapping[str, Any], tokenizer: Tokenizer, shots: list[Row]) -> Render:
    if data["format"] == "few_shot":
        return few_shot(tokenizer, data["shot"], shots)
    if data["format"] == "chat":
        return chat(tokenizer, data["template_options"])
    return plain(tokenizer)


def _shots(tables: Tables, data: Mapping[str, Any]) -> list[Row]:
    """The first rows of the file of shots, or else of those to train on."""
    path, count = data["shots_from"], data["shots"]
    table = read_table(path, data["prompt"]) if path else tables("train")
    if count > len(table.texts):
        raise ValueError(
            f"data.shots={count} and {table.source} has {len(table.texts)} rows; lower "
            "it"
        )
    return _rows(table.take(np.arange(count)))


def _rows(table: Table) -> list[Row]:
    """Each problem's columns by name, and its prompt as text."""
    columns = {**table.columns, "prompt": table.texts}
    return [
        {name: column[row] for name, column in columns.items()}
        for row in range(len(table.texts))
    ]


def _text(write: Render, prompt: Any, row: Row, where: str) -> str:
    try:
        return write(prompt, row)
    except ValueError as error:
        raise ValueError(f"the prompt of {where} {error}") from None
