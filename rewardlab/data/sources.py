"""Where rows come from: files, folders, data sets of others, and objects of yours.

    mine.jsonl, mine.parquet            one file
    mine/                               a folder of them, as Hugging Face lays them out
    tfds:gsm8k                          a TFDS data set whose files are on this disk
    reasoning_gym:chain_sum(size=500)   a generator of reasoning-gym
    my.data:squares                     an object with `load(split)`

A source has rows for "train" and "test", or rows of which some are to be held out.
"""

import functools
import reprlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rewardlab.core.lookup import Place, called, imported, place_of
from rewardlab.data.downloaded import of_tfds
from rewardlab.data.files import Table, table_of
from rewardlab.data.folders import of_folder
from rewardlab.data.generated import of_reasoning_gym
from rewardlab.data.jsonl import Row, read_rows

KIND = "data source"


class Source(NamedTuple):
    """Rows by split, under a name for messages."""

    name: str
    load: Callable[[str], Sequence[Row]]
    splits: tuple[str, ...] = ()  # (): it has one table, whatever split is asked for
    notes: tuple[str, ...] = ()  # what is worth saying of its rows


def source_of(text: str) -> Source:
    """The source that `data.path`, `data.train` or `data.test` names.

    `ValueError`, in one sentence, for one that there is not.
    """
    path = Path(text).expanduser()
    if text and path.is_dir():
        return Source(text, *of_folder(path))
    if path.suffix in (".jsonl", ".parquet") or path.is_file():
        return Source(text, lambda split: read_rows(path))
    if text.startswith("tfds:"):
        return Source(text, *of_tfds(text.removeprefix("tfds:")))
    place = place_of(text, KIND)
    if place is None:
        raise ValueError(
            f"data source {text!r} is no file and no folder; name a .jsonl or .parquet "
            "file, a folder of them, tfds:NAME, reasoning_gym:NAME(size=500) or "
            "package.module:attribute of an object with load(split)"
        )
    if place.module == "reasoning_gym":
        rows, notes = of_reasoning_gym(place.attribute, place.args, place.kwargs)
        return Source(text, lambda split: rows, notes=notes)
    return _of_object(text, place)


def read_table(
    source: str | Path | Source, prompt: str = "prompt", split: str = "train"
) -> Table:
    """The problems of a split of a source, of which `prompt` is the column to read."""
    found = source if isinstance(source, Source) else source_of(str(source))
    name = f"the {split} split of {found.name}" if found.splits else found.name
    return table_of(found.load(split), name, prompt)._replace(notes=found.notes)


def changed(path: Path) -> tuple[tuple[str, int, int], ...]:
    """When the files of a source were written, and how large they are; () for none."""
    files = [path] if path.is_file() else [*path.glob("*"), *path.glob("data/*")]
    stats = [(str(file), file.stat()) for file in sorted(files) if file.is_file()]
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)


def _of_object(text: str, place: Place) -> Source:
    found = imported(place, KIND)
    found = called(found, place, KIND) if place.called else found
    load = getattr(found, "load", None)
    if not callable(load):
        raise ValueError(
            f"data source {text!r} is {reprlib.repr(found)}, which has no load(split); "
            "give it one that lists the rows of 'train' and of 'test'"
        )
    return Source(text, functools.partial(_rows, text, load), ("train", "test"))


def _rows(text: str, load: Callable[[str], Any], split: str) -> list[Row]:
    """What an object of the user lists for a split, if they are rows."""
    rows = load(split)
    try:
        listed = list(rows)
    except TypeError:
        listed = [rows]
    for number, row in enumerate(listed):
        if not isinstance(row, Mapping) or not all(isinstance(k, str) for k in row):
            raise ValueError(
                f"row {number} of the {split} split of {text!r} is {reprlib.repr(row)}"
                "; let load(split) give a dict of columns for each problem"
            )
    return [dict(row) for row in listed]
