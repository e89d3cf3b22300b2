"""Parameters as a Hugging Face folder: whole, or not there."""

import json
import math
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

from rewardlab.models.config import LMConfig
from rewardlab.models.lm import Params
from rewardlab.models.parameters import are_stacked
from rewardlab.models.weights.config import read_config, read_json, written
from rewardlab.models.weights.files import DTYPES, INDEX, WHOLE, library
from rewardlab.models.weights.names import HEAD, Leaf, leaves_of, names_of
from rewardlab.system.files import naming, short, sync, sync_all

SHARD = 5_000_000_000  # bytes of one file
_TEXT_FILES = (  # of a tokenizer, and how to generate with it
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.*",
    "merges.txt",
    "chat_template*",
    "generation_config.json",
    "LICENSE*",
    "NOTICE*",
)
_IDS = ("bos_token_id", "eos_token_id", "pad_token_id")


def write_folder(
    folder: str | Path,
    config: LMConfig,
    params: Params,
    tokenizer_files_from: str | Path | None = None,
    dtype: str = "float32",
    shard: int = SHARD,
) -> None:
    """Writes config.json and safetensors that transformers and `read_weights` load.

    The tokenizer's files are those of another folder, and so is config.json where that
    is of the same model: the folder that the weights came from. Files hold at most
    `shard` bytes. The folder must be new; it appears when all of it is on the disk.
    """
    folder, source = Path(folder).absolute(), tokenizer_files_from
    if dtype not in DTYPES.values():
        have = ", ".join(DTYPES.values())
        raise ValueError(f"dtype={dtype!r} is no type to export in; have {have}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{short(folder)} holds something already; name a new folder")
    raw = _config(config, None if source is None else Path(source), dtype)
    part = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    try:
        with naming(folder):
            part.mkdir(parents=True)
            _write_json(part / "config.json", raw)
            for pattern in _TEXT_FILES if source is not None else ():
                for file in sorted(Path(source or "").glob(pattern)):
                    shutil.copyfile(file, part / file.name)
            _write_tensors(part, config, params, dtype, shard)
            sync_all(part)
            part.rename(folder)  # over an empty one too
            sync(folder.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _config(config: LMConfig, source: Path | None, dtype: str) -> dict[str, Any]:
    """`config.json`: that of `source` where it is of the same model, or a new one."""
    if source is not None and _is_of(source, config):
        raw, _ = read_json(source)
        keys = {"dtype", "torch_dtype"} & set(raw) or {"dtype"}
        return {**raw, **dict.fromkeys(keys, dtype)}
    file = source / "generation_config.json" if source else None
    said = json.loads(file.read_bytes()) if file and file.exists() else {}
    ids = {key: said.get(key) for key in _IDS}
    return {**written(config), **ids, "dtype": dtype, "torch_dtype": dtype}


def _is_of(source: Path, config: LMConfig) -> bool:
    """Whether a folder computes the same, whatever the types and the layout."""
    try:
        found = read_config(source)
    except ValueError:  # of a tokenizer alone, or of a family that is not computed here
        return False
    how = {"dtype": config.dtype, "stacked": config.stacked, "lora": config.lora}
    return {**vars(found), **how} == vars(config)


def _write_tensors(
    folder: Path, config: LMConfig, params: Params, dtype: str, shard: int
) -> None:
    """One file, or several and their index; the arrays of one file are in memory."""
    groups = _grouped(leaves_of(config))
    sizes = [np.dtype(dtype).itemsize * math.prod(g[0].stored) for g in groups]
    files = _files(sizes, shard)
    host = jax.tree.map(np.asarray, params)
    index: dict[str, str] = {}
    for file in dict.fromkeys(files):
        part = [group for group, its in zip(groups, files, strict=True) if its == file]
        arrays = dict(_stored(part, config, host, dtype))
        library().numpy.save_file(arrays, folder / file, metadata={"format": "pt"})
        index |= dict.fromkeys(arrays, file)
    if WHOLE not in files:
        whole = {"metadata": {"total_size": sum(sizes)}, "weight_map": index}
        _write_json(folder / INDEX, whole)


def _files(sizes: list[int], most: int) -> list[str]:
    """The file of each tensor: as many in a row as stay below `most` bytes."""
    number, held, of = 1, 0, []
    for size in sizes:
        if held and held + size > most:
            number, held = number + 1, 0
        held += size
        of.append(number)
    if number == 1:
        return [WHOLE] * len(sizes)
    return [f"model-{i:05}-of-{number:05}.safetensors" for i in of]


def _grouped(leaves: list[Leaf]) -> list[list[Leaf]]:
    """Parameters by the tensor that holds them."""
    groups: dict[str, list[Leaf]] = {}
    for leaf in leaves:
        groups.setdefault(leaf.tensor, []).append(leaf)
    return list(groups.values())


def _stored(
    part: list[list[Leaf]], config: LMConfig, params: Params, dtype: str
) -> Iterator[tuple[str, np.ndarray]]:
    prefix = names_of(config).prefix
    for group in part:
        numbers = [_of(params, leaf) for leaf in group]
        whole = np.concatenate(numbers, axis=-1) if numbers[1:] else numbers[0]
        whole = whole.T if group[0].place.turned else whole
        name = group[0].tensor
        yield (
            name if name == HEAD else prefix + name,
            np.ascontiguousarray(whole, dtype=dtype),
        )


def _of(params: Params, leaf: Leaf) -> np.ndarray:
    """One parameter of one layer, whatever the layout."""
    if leaf.layer is None:
        return params[leaf.name]
    if are_stacked(params):
        return params["layers"][leaf.name][leaf.layer]
    return params["layers"][f"{leaf.layer:02}"][leaf.name]


def _write_json(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content, indent=2) + "\n")
