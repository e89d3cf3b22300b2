"""Arrays of other libraries: into NumPy, into one layout, and back."""

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Int, Shaped


def to_numpy(x: Any) -> np.ndarray:
    """A tensor of torch or JAX, or whatever NumPy reads, on the host.

    Lists of unequal length, with None where something is missing, are filled with NaN.
    """
    if hasattr(x, "detach"):  # torch, which NumPy cannot read on a device, or in bf16
        x = x.detach().cpu()
        return (x.float() if x.is_floating_point() else x).numpy()
    if isinstance(x, Sequence) and any(_is_list(row) for row in x):
        return _filled(x)
    found = np.asarray(x)
    return found.astype(np.float32) if found.dtype == object else found


def like(x: np.ndarray, other: Any) -> Any:
    """`x` as `other` is: a tensor of torch on its device, or NumPy."""
    if not hasattr(other, "detach"):
        return x
    import torch  # which is there, since `other` is one of its tensors

    return torch.as_tensor(x, device=other.device)


def numbered(group: Any, rows: int) -> Int[np.ndarray, " N"]:
    """Group ids of any kind, texts too, as numbers from 0 in the order they come in.

    numbered(["b", "a", "b"], 3) -> [0, 1, 0];  None is one group
    """
    if group is None:
        return np.zeros(rows, np.int32)
    ids = to_numpy(group).tolist() if hasattr(group, "detach") else list(group)
    if len(ids) != rows:
        raise ValueError(
            f"there are {len(ids)} group ids and {rows} rows; give one a row"
        )
    known: dict[Any, int] = {}
    return np.array([known.setdefault(one, len(known)) for one in ids], np.int32)


def span(mask: Bool[np.ndarray, "N T"]) -> Bool[np.ndarray, "N T"]:
    """From the first to the last True of each row: what lies between is observed.

    span([[0, 1, 0, 1, 0]]) -> [[0, 1, 1, 1, 0]]
    """
    begun = np.logical_or.accumulate(mask, axis=1)
    to_come = np.logical_or.accumulate(mask[:, ::-1], axis=1)[:, ::-1]
    return begun & to_come


def turns(mask: Bool[np.ndarray, "N T"]) -> Int[np.ndarray, "N T"]:
    """The turn of each token: a turn begins where the policy begins to write.

    turns([[1, 1, 0, 1]]) -> [[0, 0, 0, 1]]
    """
    before = np.pad(mask, ((0, 0), (1, 0)))[:, :-1]
    return np.maximum(np.cumsum(mask & ~before, axis=1) - 1, 0).astype(np.int32)


def widened(x: Shaped[np.ndarray, "N W"], width: int, fill: Any) -> np.ndarray:
    """More columns on the right."""
    return np.pad(x, ((0, 0), (0, width - x.shape[1])), constant_values=fill)


def _is_list(x: Any) -> bool:
    return isinstance(x, Iterable) and not isinstance(x, str | bytes)


def _filled(rows: Sequence[Any]) -> np.ndarray:
    """Rows of unequal length as [N, longest], NaN where there is nothing."""
    lists = [list(row) if _is_list(row) else [row] for row in rows]
    columns = list(itertools.zip_longest(*lists, fillvalue=None))
    return np.array(columns, np.float32).reshape(len(columns), len(lists)).T
