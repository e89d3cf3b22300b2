"""A step's completions file as arrays: a `Rollout` as it was judged."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rewardlab.core.signals import SIGNALS
from rewardlab.core.types import Rollout
from rewardlab.show import record
from rewardlab.show.record import Line


class Recorded(NamedTuple):
    """A step of a run: its number, its completions as text, its arrays."""

    step: int
    texts: list[str]
    rollout: Rollout


def recorded(run: str | Path, step: int | None = None) -> Recorded:
    """A step of a run as its file has it, the last that has completions untold.

    Prompts are one padding token each: a file has their text alone. `ValueError` where
    there is no such file.
    """
    files = record.steps(Path(run))
    if not files:
        raise ValueError(
            f"{run} has no completions; train with --config.log.completions_every=1"
        )
    at = max(files) if step is None else step
    if at not in files:
        raise ValueError(
            f"{run} has no completions of step {at}; have {sorted(files)[:20]}"
        )
    lines = record.read_lines(files[at])
    return Recorded(
        at, [str(x.get("completion", "")) for x in lines], rollout_of(lines)
    )


def rollout_of(lines: list[Line]) -> Rollout:
    """The rows of a file as arrays [N, T], T the longest of them."""
    width = max(len(line["tokens"]) for line in lines)
    groups, group = np.unique([line["group"] for line in lines], return_inverse=True)

    def padded(name: str, fill: Any, dtype: type) -> np.ndarray:
        rows = [line[name] + [fill] * (width - len(line[name])) for line in lines]
        return np.array(rows, dtype)

    arrays: dict[str, Any] = dict(
        prompts=np.zeros((len(groups), 1), np.int32),
        prompt_mask=np.ones((len(groups), 1), bool),
        group=group.astype(np.int32),
        tokens=padded("tokens", 0, np.int32),
        mask=padded("mask", False, bool),
        valid=np.arange(width) < np.array([[len(x["tokens"])] for x in lines]),
        step=padded("step_of_token", -1, np.int32),
        logp=np.nan_to_num(padded("logp", 0.0, np.float32)),
        signals=_signals(lines, width),
        iteration=np.zeros((), np.int32),
    )
    return Rollout(**arrays)


def _signals(lines: list[Line], width: int) -> dict[str, np.ndarray]:
    """Those that all rows have: numbers [N], lists [N, K], lists of tokens [N, T]."""
    found = {}
    for name in lines[0]["signals"]:
        values = [line["signals"].get(name) for line in lines]
        if all(isinstance(x, list) for x in values):
            values = _lists(name, values, [len(x["tokens"]) for x in lines], width)
        array = np.array([np.nan if x is None else x for x in values], object)
        try:
            array = np.array(array.tolist(), float)
        except (ValueError, TypeError):  # of unequal lengths, or no numbers
            continue
        whole = array.size and np.all(array == np.round(array))
        flags = all(type(x) is bool for x in np.ravel(np.array(values, object)))
        kind = bool if flags else np.int32 if whole and name in _IDS else np.float32
        found[name] = array.astype(kind)
    return found


_IDS = (
    "answer_id",
    "anchor",
    "node",
    "partner",
    "message",
    "split",
)  # numbers of things


def _lists(name: str, values: list, lengths: list[int], width: int) -> list[list]:
    """Rows of one length; those of tokens are filled up with 0."""
    of_tokens = [len(x) for x in values] == lengths
    told = SIGNALS[name].shape if name in SIGNALS else ""
    if not of_tokens or told in ("NS", "NV", "NR", "NK", "NC"):
        return [[np.nan if v is None else v for v in x] for x in values]
    return [[0 if v is None else v for v in x] + [0] * (width - len(x)) for x in values]
