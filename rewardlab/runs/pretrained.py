"""The policy that a folder of weights is, or a pair that was handed over.

A run keeps no copy of them: `workdir/base/origin.json` says where they lie and what
they were. The run goes on only while they are the same.
"""

import json
import zlib
from pathlib import Path
from typing import Any

import jax
import numpy as np

from rewardlab.core.finite import all_finite
from rewardlab.learning.learner import Params
from rewardlab.models.shapes import folder_of, weights_of
from rewardlab.runs.prepare import Run
from rewardlab.system.files import fingerprint, short, write_whole

ORIGIN = "origin.json"


def read_base(run: Run, found: Path | None) -> Params:
    """The weights of `model.name`; with `found` they must be those that it came from.

    `ValueError`, in one sentence, for weights that changed since or are not finite.
    """
    name, here = run.config.model.name, run.workdir / "base"
    params = weights_of(name, run.program.model)
    now = origin_of(name, params)
    if found is not None:
        there = found.parents[1] / "base" / ORIGIN
        then = read_origin(there)
        if then is None:
            raise ValueError(
                f"{short(there)} is gone or damaged, which says what the policy of "
                f"{short(found)} came from; put it back, or begin again in a new "
                "--workdir"
            )
        if then["files"] != now["files"]:
            names = set(then["files"]) | set(now["files"])
            changed = min(
                x for x in names if then["files"].get(x) != now["files"].get(x)
            )
            raise ValueError(
                f"{changed} of model.name={name!r} is not what the policy of "
                f"{short(found)} came from; put that back, or begin again in a new "
                "--workdir"
            )
    if not all_finite(params):
        raise ValueError(
            f"the weights of model.name={name!r} hold numbers that are not finite; "
            "take others"
        )
    here.mkdir(parents=True, exist_ok=True)
    write_whole(here / ORIGIN, json.dumps(now, indent=2) + "\n")
    return params


def origin_of(name: str, params: Params) -> dict[str, Any]:
    """The folder of a model, and size and checksum of its config and weights."""
    folder = folder_of(name)
    if folder is None:
        crc, arrays = 0, jax.tree.leaves(params)
        for array in arrays:
            crc = zlib.crc32(np.ascontiguousarray(array).data, crc)
        return {"folder": None, "files": {"parameters": [len(arrays), crc]}}
    files = [folder / "config.json", *sorted(folder.glob("*.safetensors"))]
    kept = {file.name: fingerprint(file) for file in files}
    return {"folder": str(folder.absolute()), "files": kept}


def read_origin(file: Path) -> dict[str, Any] | None:
    """What `origin_of` said when it was written; None for a file that is no such."""
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    whole = isinstance(found, dict) and isinstance(found.get("files"), dict)
    return found if whole else None
