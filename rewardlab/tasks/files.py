"""The task that problems of yours are: `config.task.name = "data"`.

It has no verdict of its own; scorers make the signals.
"""

import functools
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from rewardlab.data.batch import Batch
from rewardlab.data.columns import Episodes, written
from rewardlab.data.files import Table, alphabet, batch_from, split_by_share
from rewardlab.data.formats import in_format
from rewardlab.data.sources import changed, read_table, source_of
from rewardlab.tasks.task import Task
from rewardlab.text.tokenizers import CharTokenizer, Tokenizer


def task_of_files(data: Mapping[str, Any], tokenizer: Tokenizer | None = None) -> Task:
    """The task of the sources that `config.data` names; of letters without a tokenizer.

    Either `train` and `test` are sources, or `path` is one, with both splits or with
    prompts of which the share `held_out` is kept apart. `demonstrations` names the
    column to imitate, if any.
    """
    train, test = _tables(data)
    known = tokenizer or alphabet((train, test))
    splits = {"train": train, "test": test}

    def load(split: str, data_dir: str | Path) -> Batch:
        return batch_from(in_format(split, splits.__getitem__, data, known), known)

    notes = tuple(dict.fromkeys(train.notes + test.notes))
    task = Task(known, load, notes=notes)
    column = data["demonstrations"]
    if not column:
        return task
    _refuse_column(column, (train, test))
    return task._replace(demonstrations=imitating(column, known))


def _refuse_column(column: str, tables: Iterable[Table]) -> None:
    """`ValueError` for a column to imitate that is not there, or is no text."""
    for table in tables:
        texts = table.columns.get(column)
        if texts is None or not all(isinstance(text, str) for text in texts):
            kind = "no column" if texts is None else "not only text in its column"
            raise ValueError(
                f"data.demonstrations={column!r} and {table.source} has {kind} "
                f"{column!r}; have {', '.join(table.columns)}"
            )


def imitating(column: str, tokenizer: Tokenizer) -> Callable[..., Episodes]:
    """The `demonstrations` of a task that imitates the texts of a column."""

    def imitated(
        columns: Mapping[str, Any], seed: int | tuple[int, ...], length: int
    ) -> Episodes:
        return written([[(text, True)] for text in columns[column]], tokenizer, length)

    return imitated


def _tables(data: Mapping[str, Any]) -> tuple[Table, Table]:
    """Of training and held out; `ValueError` where the config names none, or more."""
    path, train, test = data["path"], data["train"], data["test"]
    if path and not train and not test:
        whole, splits = _read(path, "train", data["prompt"])
        if splits:
            return whole, _read(path, "test", data["prompt"])[0]
        return split_by_share(whole, data["held_out"])
    if train and test and not path:
        for key, text in (("train", train), ("test", test)):
            if text.startswith("reasoning_gym:"):
                raise ValueError(
                    f"data.{key}={text!r}: its seeds share questions; name it in "
                    "data.path, of whose questions data.held_out is kept apart"
                )
        first, _ = _read(train, "train", data["prompt"])
        return first, _read(test, "test", data["prompt"])[0]
    said = ", ".join(f"data.{k}={data[k]!r}" for k in ("path", "train", "test"))
    raise ValueError(
        f"task.name='data' with {said}: set data.path to a source that has both splits "
        "or of which data.held_out is kept apart, or data.train and data.test to one "
        "each"
    )


def _read(text: str, split: str, prompt: str) -> tuple[Table, tuple[str, ...]]:
    """A split of a source, and the splits that it has; read once until it changes."""
    return _read_once(text, split, prompt, changed(Path(text).expanduser()))


@functools.lru_cache(4)
def _read_once(
    text: str, split: str, prompt: str, key: Any
) -> tuple[Table, tuple[str, ...]]:
    source = source_of(text)
    return read_table(source, prompt, split), source.splits


DATA = Task(
    CharTokenizer(""), lambda split, data_dir: Batch({}, {}), of_data=task_of_files
)
