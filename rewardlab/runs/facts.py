"""What a run writes of its model, its problems and its measures, for those who ask how
it was made: `run.json`, beside its devices."""

import hashlib
import json
from pathlib import Path
from typing import Any

import jax
import numpy as np

from rewardlab.core.signals import SIGNALS
from rewardlab.data.batch import Batch
from rewardlab.learning.learner import Params
from rewardlab.runs.generate import judging_temperature
from rewardlab.runs.prepare import Run
from rewardlab.runs.pretrained import ORIGIN, read_origin
from rewardlab.runs.record import digits
from rewardlab.system.processes import fetched


def facts_of(run: Run, base: Params) -> dict[str, Any]:
    """The model that training begins with, and the problems of both splits.

    Every process of a run calls it: each may hold a part of the base.
    """
    leaves = jax.tree.leaves(base)
    weights = _of_files(run.workdir) or _of_arrays(fetched(leaves))
    count = sum(int(np.prod(x.shape)) for x in leaves)
    task = run.config.task.name
    held_out = {"split": f"a fixed sample of the test split of {task!r}"}
    return {
        "model": {"parameters": count, "weights": weights},
        "data": {
            "train": _problems(run.problems),
            "held_out": {**held_out, **_problems(run.held_out)},
        },
    }


def measures_of(run: Run, names: list[str]) -> dict[str, str]:
    """What each held-out number is, in words and by its formula."""
    return {name: _measure(run, name) for name in names}


def _of_files(workdir: Path) -> str:
    """Of weights that were read: their files' sizes and checksums; "" of others."""
    origin = read_origin(workdir / "base" / ORIGIN)
    return digits(json.dumps(origin["files"], sort_keys=True)) if origin else ""


def _of_arrays(leaves: list[Any]) -> str:
    """Twelve digits of the SHA-256 of all numbers."""
    sha = hashlib.sha256()
    for leaf in leaves:
        sha.update(np.asarray(leaf).tobytes())  # bfloat16 has no buffer
    return sha.hexdigest()[:12]


def _problems(split: Batch) -> dict[str, Any]:
    """How many, and twelve digits that tell their prompts from others."""
    prompts = np.asarray(split.arrays["prompts"])
    rows = zip(prompts, np.asarray(split.arrays["prompt_mask"]), strict=True)
    read = [np.append(row[there], -1).astype(np.int64) for row, there in rows]
    return {"problems": split.size, "prompts": _of_arrays(read)}


def _measure(run: Run, name: str) -> str:
    samples, at = run.config.eval.num_generations, judging_temperature(run.config)
    drawn = f"{samples} samples at temperature {at:g}" if at else "one greedy sample"
    of = f"of {run.held_out.size} problems, {drawn}"
    if name.startswith("pass@"):
        k, n = name.removeprefix("pass@"), samples if at else 1
        who = run.program.plan.owners.get("correct", "")
        return (
            f"mean of 1 - C(n - c, {k}) / C(n, {k}) {of}: n = {n}, of which c are "
            f"right by the scorer {who!r}"
        )
    if name == "mean_length":
        return f"mean number of tokens that the policy wrote {of}"
    if name == "unjudged":
        return f"share of completions without a verdict {of}"
    said = SIGNALS[name].says if name in SIGNALS else f"the signal {name!r}"
    return f"mean {of}: {said}"
