"""Data sets as folders of files, as Hugging Face lays them out.

train.jsonl test.jsonl
data/train-00000-of-00002.parquet ... data/test-00000-of-00001.parquet
"""

import re
from collections.abc import Callable
from pathlib import Path

from rewardlab.data.jsonl import Row, read_rows

HELD_OUT = ("test", "validation", "valid", "dev")  # the first that there is
_FILE = re.compile(r"([a-z]+)(?:[-_.].*)?\.(jsonl|parquet)")


def of_folder(folder: Path) -> tuple[Callable[[str], list[Row]], tuple[str, ...]]:
    """What loads a split of the folder, and the splits that it has.

    The files stand in it or in its `data`. Those of a split are read in the order of
    their names. Without any that is held out it has one table, that of `train`, or of
    the only file.
    """
    parts = _parts(folder)
    held_out = next((name for name in HELD_OUT if name in parts), "")
    if "train" in parts and held_out:
        names = {"train": parts["train"], "test": parts[held_out]}
        return lambda split: _read(names[split]), ("train", "test")
    whole = parts.get("train") or next(iter(parts.values()), [])
    if len(parts) > 1 and "train" not in parts or not whole:
        inner = sorted(x.name for x in folder.iterdir() if x.is_dir())
        have = ", ".join(sorted(parts) or inner) or "nothing"
        raise ValueError(
            f"{folder} has no train*.jsonl or train*.parquet, and none in its 'data'; "
            f"it has {have}: name one of its files or folders"
        )
    return lambda split: _read(whole), ()


def _parts(folder: Path) -> dict[str, list[Path]]:
    """The files of each split, by the word that their names begin with."""
    for place in (folder, folder / "data"):
        found: dict[str, list[Path]] = {}
        for file in sorted(place.iterdir()) if place.is_dir() else ():
            if match := _FILE.fullmatch(file.name):
                found.setdefault(match[1], []).append(file)
        if found:
            return found
    return {}


def _read(files: list[Path]) -> list[Row]:
    return [row for file in files for row in read_rows(file)]
