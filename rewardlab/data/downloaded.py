"""Data sets of TensorFlow Datasets whose files are on this disk; nothing is fetched."""

import functools
import importlib.util
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from rewardlab.data.jsonl import Row

_READ_BY_ANYBODY = ("array_record", "parquet")  # other formats need tensorflow


def of_tfds(name: str) -> tuple[Callable[[str], list[Row]], tuple[str, ...]]:
    """What loads a split of a prepared data set, and the splits that it has.

    `name` is as TFDS has it, `gsm8k` or `math_dataset/arithmetic__add_or_sub:1.0.0`;
    it is looked for where TFDS keeps its own, TFDS_DATA_DIR or ~/tensorflow_datasets.
    A data set with `train` and `test`, or else `validation`, has both splits.
    """
    builder = _builder(name)
    splits, kind = list(builder.info.splits), builder.info.file_format.value
    if kind not in _READ_BY_ANYBODY and importlib.util.find_spec("tensorflow") is None:
        raise ValueError(
            f"tfds:{name} was written as {kind}, which only tensorflow reads; write it "
            f"anew with: tfds build {name.partition(':')[0]} --file_format=array_record"
        )
    load = functools.partial(_rows, builder)
    test = next((split for split in ("test", "validation") if split in splits), "")
    if "train" in splits and test:
        names = {"train": "train", "test": test}
        return lambda split: load(names[split]), ("train", "test")
    if len(splits) > 1 and "train" not in splits:
        raise ValueError(
            f"tfds:{name} has the splits {', '.join(splits)} and no 'train'; write "
            "what you want of it as a .jsonl file"
        )
    only = "train" if "train" in splits else splits[0]
    return lambda split: load(only), ()


def _builder(name: str) -> Any:
    folder = os.environ.get("TFDS_DATA_DIR")
    try:
        return tfds.core.read_only_builder.builder_from_files(name, data_dir=folder)
    except Exception:  # of any name that TFDS cannot make sense of
        where = folder or "~/tensorflow_datasets"
        raise ValueError(
            f"tfds:{name} is not in {where}, and rewardlab fetches no data sets; where "
            f"there is a network: tfds build {name.partition(':')[0]} "
            "--file_format=array_record"
        ) from None


def _rows(builder: Any, split: str) -> list[Row]:
    if builder.info.file_format.value in _READ_BY_ANYBODY:
        source = builder.as_data_source(split=split)
        examples = source.__getitems__(range(len(source)))
    else:
        examples = tfds.as_numpy(builder.as_dataset(split=split))
    return [plain(example) for example in examples]


def plain(value: Any) -> Any:
    """As JSON has it: text for bytes, numbers and lists for arrays."""
    if isinstance(value, dict):
        return {name: plain(x) for name, x in value.items()}
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, list | tuple):
        return [plain(x) for x in value]
    return plain(np.asarray(value).tolist()) if hasattr(value, "dtype") else value
