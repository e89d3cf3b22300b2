"""The policy that a run begins from: warm-up, another run's, or weights that exist.

It lies in `workdir/base`, with what it was made from beside it. The reference of the KL
terms is this policy, so a run keeps a copy of its own for life, whatever becomes of the
run that it was taken from.
"""

import dataclasses
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flax.traverse_util import flatten_dict

from rewardlab.core.finite import all_finite
from rewardlab.data.columns import Columns, batch_indices, take
from rewardlab.learning.learner import Params
from rewardlab.learning.warmup import warm_up
from rewardlab.models import lm
from rewardlab.models.shapes import has_weights
from rewardlab.runs import checkpoint
from rewardlab.runs.console import WARMUP, Console
from rewardlab.runs.prepare import Run
from rewardlab.runs.pretrained import read_base
from rewardlab.system.files import short

_IMPLIED = ("validation", "test")  # what says nothing of the base


def base_policy(
    run: Run, console: Console, found: Path | None = None
) -> tuple[Params, float]:
    """The policy that learning starts from, and the seconds that it took.

    With `found`, the checkpoint that the run goes on from, it is the one that the
    policy of that checkpoint came from. Else it is that of `model.init_from`; else the
    one here, if it was made as the config says; else it is made. Weights that exist
    are read, and no copy of them is kept.
    """
    began, here = time.monotonic(), run.workdir / "base"
    if has_weights(run.config.model.name):
        return read_base(run, found), time.monotonic() - began
    if found is not None:
        return _origin(run, found), time.monotonic() - began
    if run.config.model.init_from:
        return _from_another(run, console), time.monotonic() - began
    kept, why = newest(here), ""
    if kept is not None:
        made = checkpoint.read_extra(kept).get("made_from")
        why = ", ".join(differences(made, recipe(run)))
        if not why:
            return _read(run, kept), time.monotonic() - began
    if why or (here.exists() and kept is None):
        console.say(f"{short(here)} is made anew: {why or 'it is damaged'}")
    with console.progress("warm-up", run.config.warmup.steps, WARMUP) as show:
        for step, base, row in warmed(run, run.config.warmup.steps):  # noqa: B007
            if step % 10 == 0 and step:
                show(step, {"loss": float(row["loss"])})
    _keep(run, base, {"made_from": recipe(run)})
    return base, time.monotonic() - began


def recipe(run: Run) -> dict[str, Any]:
    """All that a base policy depends on, as JSON has it."""
    config = run.config
    made_from = {
        "seed": config.seed,
        "task": config.task.to_dict(),
        "data": config.data.to_dict(),
        "model": {"name": config.model.name, **dataclasses.asdict(run.program.model)},
        "warmup": config.warmup.to_dict(),
        "rollout": {"max_completion_length": config.rollout.max_completion_length},
    }
    flat = flatten_dict(json.loads(json.dumps(made_from, default=str)), sep=".")
    return {k: x for k, x in flat.items() if k.split(".")[-1] not in _IMPLIED}


def _origin(run: Run, found: Path) -> Params:
    """The base of the run that `found` is of, kept here from now on."""
    here, there = run.workdir.absolute() / "base", found.parents[1] / "base"
    kept = newest(there)
    if kept is None:
        what = "damaged" if there.exists() else "gone"
        raise ValueError(
            f"{short(there)} is {what}, which the policy of {short(found)} came from "
            "and the KL terms refer to; put it back, or begin again in a new --workdir"
        )
    params = _read(run, kept)
    if there != here:
        _keep(run, params, {**checkpoint.read_extra(kept), "taken_from": str(there)})
    return params


def _from_another(run: Run, console: Console) -> Params:
    where, here = run.config.model.init_from, newest(run.workdir / "base")
    there = checkpoint.find(Path(where) / "base", "auto")
    if there is None:
        said = checkpoint.read_extra(here).get("taken_from") if here else None
        if here is None or said != str(Path(where).absolute() / "base"):
            raise ValueError(
                f"model.init_from={where!r} has no base policy; name the workdir of a "
                "run that did its warm-up"
            )
        console.say(f"{where} has no base policy any more: the copy kept here is used")
        return _read(run, here)
    extra = checkpoint.read_extra(there)
    others = differences(extra.get("made_from"), recipe(run))
    if task := [x for x in others if x.startswith("task.name ")]:
        raise ValueError(
            f"model.init_from={where!r} knows another task's words ({task[0]}); name a "
            "run of the same task"
        )
    if others:
        console.say(f"the base policy of {where} was made otherwise: {others[0]}")
    params = _read(run, there)
    if there != here:
        _keep(run, params, {**extra, "taken_from": str(there.parents[1])})
    return params


def newest(folder: Path) -> Path | None:
    """The base kept in a folder, if it is whole."""
    try:
        return checkpoint.find(folder, "auto")
    except ValueError:
        return None


def differences(made: Any, now: dict[str, Any]) -> list[str]:
    """What a base was made from and this run says otherwise, as `seed 0, not 5`."""
    made = made if isinstance(made, dict) else {}
    return [
        f"{k} {made.get(k)!r}, not {x!r}" for k, x in now.items() if made.get(k) != x
    ]


def _read(run: Run, kept: Path) -> Params:
    params = checkpoint.restore(kept, _fresh(run))
    if not all_finite(params):
        raise ValueError(
            f"the base policy {short(kept)} holds numbers that are not finite; delete "
            "that folder to make it anew"
        )
    return params


def _keep(run: Run, params: Params, extra: dict[str, Any]) -> None:
    checkpoint.save(run.workdir / "base", 0, params, extra)


def _fresh(run: Run) -> Params:
    return run.driver.part(lm.init(run.program.model, run.key))


def warmed(run: Run, count: int) -> Iterator[tuple[int, Params, dict[str, Any]]]:
    """`count` steps of warm-up on demonstrations: (step, params, metrics) each.

    Without any steps the policy is untrained. Steps that are not finite change nothing;
    too many in a row are `FloatingPointError`.
    """
    params = _fresh(run)
    row: dict[str, Any] = {}
    if count == 0:
        yield 0, params, row
    program, demonstrations = run.program, _demonstrations(run, count)
    steps = warm_up(program.warmup(count), params, demonstrations, program.hp)
    lr, most = run.config.warmup.lr, min(run.config.train.max_skipped, count)
    skipped = 0
    for step, (params, row) in enumerate(steps, 1):  # noqa: B020
        skipped = skipped + 1 if float(row["skipped"]) else 0
        if skipped >= most:
            raise FloatingPointError(
                f"{skipped} steps of the warm-up in a row were not finite, up to step "
                f"{step}, and no base policy is kept; lower warmup.lr={lr}"
            )
        yield step, params, row


def _demonstrations(run: Run, steps: int) -> Iterator[Columns]:
    """Batches for warm-up; every epoch demonstrates every problem anew."""
    config, count = run.config, run.problems.size
    size = config.warmup.batch_size
    per_epoch = max(count // size, 1)
    for step in range(steps):
        if step % per_epoch == 0:
            assert run.task.demonstrations is not None  # `validate` has looked
            seed = (config.seed, step // per_epoch)
            length = config.rollout.max_completion_length
            episodes = run.task.demonstrations(
                run.problems.columns, seed, length, **config.task.noise
            )
            columns = {
                "prompts": run.problems.arrays["prompts"],
                "prompt_mask": run.problems.arrays["prompt_mask"],
                **episodes._asdict(),
            }
        yield take(columns, batch_indices(config.seed, step, count, size))
