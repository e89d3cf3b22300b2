"""The tensors of a folder: one safetensors file, or several and their index."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ml_dtypes as ml_dtypes  # numpy then knows bfloat16
import numpy as np

from rewardlab.system.files import short

WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"
DTYPES = {"F32": "float32", "BF16": "bfloat16", "F16": "float16"}


class Tensors:
    """The tensors of a folder by name: read one at a time, from files kept open."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open: dict[Path, Any] = {}
        self.file_of = self._listed()

    def kind(self, name: str) -> tuple[str, tuple[int, ...]]:
        """Type and shape, as the header of its file has them."""
        lazy = self._handle(self.file_of[name]).get_slice(name)
        return lazy.get_dtype(), tuple(lazy.get_shape())

    def read(self, name: str, third: int | None = None) -> np.ndarray:
        """The numbers of a tensor, or of a third of its last axis."""
        handle = self._handle(self.file_of[name])
        if third is None:
            return handle.get_tensor(name)
        lazy = handle.get_slice(name)
        size = lazy.get_shape()[-1] // 3
        return lazy[..., third * size : (third + 1) * size]

    def _listed(self) -> dict[str, Path]:
        whole, index = self.folder / WHOLE, self.folder / INDEX
        if whole.exists():
            return {name: whole for name in self._handle(whole).keys()}
        if not index.exists():
            others = sorted(x.name for x in self.folder.glob("*.bin"))
            instead = f" (but {others[0]}, which is not read)" if others else ""
            raise ValueError(
                f"{short(self.folder)} has no {WHOLE} and no {INDEX}{instead}; save "
                "the model as safetensors"
            )
        shards = {name: self.folder / x for name, x in _weight_map(index).items()}
        for name, file in shards.items():
            if not file.exists():
                raise ValueError(
                    f"{short(file)} is missing, which {index.name} names for {name}; "
                    "download it into that folder"
                )
            if name not in self._handle(file).keys():
                raise ValueError(
                    f"{short(file)} does not hold {name}, which {index.name} names; "
                    "download both again"
                )
        for file in set(shards.values()):
            if more := set(self._handle(file).keys()) - set(shards):
                raise ValueError(
                    f"{short(file)} holds {min(more)}, which {index.name} does not "
                    "name; download both again"
                )
        return shards

    def _handle(self, file: Path) -> Any:
        if file not in self._open:
            with readable(file):
                self._open[file] = library().safe_open(file, framework="numpy")
        return self._open[file]


def library() -> Any:
    """`safetensors`, or one sentence that says how to have it."""
    try:
        import safetensors.numpy
    except ImportError:
        raise ValueError(
            "weights are read and written by the package safetensors, which is not "
            "installed; pip install 'rewardlab[hf]'"
        ) from None
    return safetensors


@contextlib.contextmanager
def readable(file: Path) -> Iterator[None]:
    """Gives one sentence for a file that is cut short or of another kind."""
    try:
        yield
    except library().SafetensorError as error:
        reason = str(error).removeprefix("Error while deserializing header: ")
        raise ValueError(
            f"{short(file)} is cut short or no safetensors file ({reason}); download "
            "it again"
        ) from error


def _weight_map(index: Path) -> dict[str, str]:
    try:
        names = json.loads(index.read_bytes())["weight_map"]
        if all(Path(x).name == x for x in names.values()):
            return dict(names)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    raise ValueError(f"{short(index)} is no index of weights; download it again")
