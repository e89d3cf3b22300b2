"""Models beside the policy: which there are, what shape they have, whether they fit.

`config.models` names places by role, as in "teacher=runs/strong, weak=100": the workdir
of a run, whose newest policy is meant; a folder or a name of weights; or a number of
steps of warm-up, by which the run makes the model itself. A role without a place is
made so too, by `BESIDE` times the steps of the policy's own.
"""

import dataclasses
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

from ml_collections import ConfigDict

from rewardlab.models.config import LMConfig
from rewardlab.models.known import KNOWN
from rewardlab.models.shapes import has_weights, shape_of
from rewardlab.runs import checkpoint
from rewardlab.runs.model import as_the_policy
from rewardlab.runs.saved import saved_run
from rewardlab.scorers.beside import BESIDE
from rewardlab.tasks import Task, tokenizer_beside
from rewardlab.text.tokenizers import Tokenizer, same_texts


class Role(NamedTuple):
    """Where the parameters of a model come from, and its shape."""

    place: str  # "": the run makes it
    steps: int  # of warm-up, if so
    model: LMConfig


def places_of(config: ConfigDict) -> dict[str, str]:
    """`config.models` as a dict: where each role's model comes from."""
    found: dict[str, str] = {}
    for pair in filter(str.strip, config.models.split(",")):
        role, _, place = (part.strip() for part in pair.partition("="))
        if not role.isidentifier() or not place:
            raise ValueError(
                f"models={config.models!r} is not understood; write ROLE=PLACE, "
                "ROLE=PLACE, as in teacher=runs/strong, weak=100"
            )
        if role in ("policy", "reference"):
            raise ValueError(
                f"models={config.models!r} names the {role}, which the run makes of "
                "model.name or model.init_from; set one of these"
            )
        if found.setdefault(role, place) != place:
            raise ValueError(f"models={config.models!r} names {role!r} twice")
    return found


def roles_of(config: ConfigDict, task: Task, model: LMConfig) -> dict[str, Role]:
    """Every role that has a model or could be given one; nothing is made yet.

    `ValueError`, in one sentence, for a place without a model, or one that reads other
    tokens than the policy.
    """
    said, steps = places_of(config), config.warmup.steps
    made = {name: round(times * steps) for name, times in BESIDE.items()}
    made |= {name: int(place) for name, place in said.items() if place.isdecimal()}
    found = {name: Role("", count, model) for name, count in made.items()}
    for name, place in said.items():
        if not place.isdecimal():
            found[name] = Role(place, 0, _shape_of(config, task, name))
    return found


def needed(
    roles: Mapping[str, Role], named: Collection[str], config: ConfigDict, task: Task
) -> dict[str, Role]:
    """Those that scorers name; `ValueError` for what is missing, idle or unmakable."""
    for name in places_of(config):
        if name not in named:
            read = ", ".join(sorted({*named} - {"reference"})) or "none"
            raise ValueError(
                f"models={config.models!r}: no scorer asks the model {name!r}; leave "
                f"it out (of models beside the policy this run asks {read})"
            )
    found = {name: roles[name] for name in named if name in roles}
    for name, role in found.items():
        if why := _unmakable(role, config, task):
            raise ValueError(
                f"a scorer asks the model {name!r}, and the run cannot make it: {why}; "
                f"say where it lies with --config.models={name}=runs/NAME"
            )
    return found


def _unmakable(role: Role, config: ConfigDict, task: Task) -> str:
    if role.place:
        return ""
    if has_weights(config.model.name):
        return f"model.name={config.model.name!r} has weights and no warm-up"
    if task.demonstrations is None:
        return f"task {config.task.name!r} has no demonstrations to imitate"
    return "" if role.steps else "it would have 0 steps of warm-up"


def is_run(place: str) -> bool:
    """Whether a place is the workdir of a run that has saved a policy."""
    return bool(checkpoint.steps(Path(place).expanduser()))


def _shape_of(config: ConfigDict, task: Task, name: str) -> LMConfig:
    place = places_of(config)[name]
    where = f"models={config.models!r}: the {name}'s"
    if is_run(place):
        run = saved_run(place)
        shape = dataclasses.replace(run.model, lora=None)
        theirs: Tokenizer | None = run.tokenizer
    elif place in KNOWN or _is_there(place):
        shape, theirs = shape_of(place), tokenizer_beside(place)
    else:
        raise ValueError(
            f"{where} place {place!r} is neither the workdir of a run with a "
            "checkpoint nor a folder or name of weights; name one that is there"
        )
    if theirs is not None and not same_texts(task.tokenizer, theirs):
        raise ValueError(
            f"{where} tokenizer is another than the policy's, so it cannot read what "
            f"is sampled; name a model of the same tokens than {place!r}"
        )
    if shape.vocab_size < task.tokenizer.vocab_size:
        raise ValueError(
            f"{where} vocabulary has {shape.vocab_size} tokens and the policy writes "
            f"{task.tokenizer.vocab_size}; name a model of the same tokens"
        )
    return as_the_policy(shape, config)


def _is_there(place: str) -> bool:
    try:
        return has_weights(place)
    except ValueError:
        return False
