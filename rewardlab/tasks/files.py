"""The task that files of problems are: `config.task.name = "data"`.

It has no verdict of its own; scorers make the signals.
"""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rewardlab.data.batch import Batch
from rewardlab.data.columns import Episodes, written
from rewardlab.data.files import (
    Table,
    alphabet,
    batch_from,
    read_table,
    split_by_share,
)
from rewardlab.tasks.task import Task
from rewardlab.text.tokenizers import CharTokenizer, Tokenizer


def task_of_files(data: Mapping[str, Any], own: Tokenizer | None = None) -> Task:
    """The task of the files that `config.data` names.

    Either `train` and `test` are files, or `held_out` is the share of the prompts of
    `path` that are kept apart. `demonstrations` names the column to imitate, if any.
    Without a tokenizer of its `own` a token is a character of the files.
    """
    train, test = _tables(data)
    tokenizer = own or alphabet((train, test))
    splits = {"train": train, "test": test}
    task = Task(tokenizer, lambda split, data_dir: batch_from(splits[split], tokenizer))
    column = data["demonstrations"]
    if not column:
        return task
    for table in splits.values():
        texts = table.columns.get(column)
        if texts is None or not all(isinstance(text, str) for text in texts):
            kind = "no column" if texts is None else "not only text in its column"
            raise ValueError(
                f"data.demonstrations={column!r} and {table.source} has {kind} "
                f"{column!r}; have {', '.join(table.columns)}"
            )
    imitated = functools.partial(_imitated, tokenizer, column)
    return task._replace(demonstrations=imitated)


def _imitated(
    tokenizer: Tokenizer,
    column: str,
    columns: Mapping[str, Any],
    seed: int | tuple[int, ...],
    length: int,
) -> Episodes:
    return written([[(text, True)] for text in columns[column]], tokenizer, length)


def _tables(data: Mapping[str, Any]) -> tuple[Table, Table]:
    """Of training and held out; `ValueError` where the config names none, or more."""
    path, train, test = data["path"], data["train"], data["test"]
    if path and not train and not test:
        return split_by_share(_read(path, data["prompt"]), data["held_out"])
    if train and test and not path:
        return _read(train, data["prompt"]), _read(test, data["prompt"])
    said = ", ".join(f"data.{k}={data[k]!r}" for k in ("path", "train", "test"))
    raise ValueError(
        f"task.name='data' with {said}: set data.path to a file of which data.held_out "
        "is kept apart, or data.train and data.test to a file each"
    )


def _read(path: str, prompt: str) -> Table:
    try:
        stat = Path(path).stat()
        key = (stat.st_mtime_ns, stat.st_size)
    except OSError:
        key = (0, 0)  # reading it says why not
    return _read_once(path, prompt, key)


@functools.lru_cache(4)
def _read_once(path: str, prompt: str, key: tuple[int, int]) -> Table:
    return read_table(path, prompt)


DATA = Task(
    CharTokenizer(""), lambda split, data_dir: Batch({}, {}), of_data=task_of_files
)
