"""The parameters of models beside the policy: taken from elsewhere, or made by the run.

What the run makes or takes from another run lies in `workdir/models/ROLE`, with what it
was made from, so that a run that goes on asks the same model whatever became of the
other. Weights that exist are read each time, and must be those that the run began with.
"""

import json
from pathlib import Path
from typing import Any

from rewardlab.core.finite import all_finite
from rewardlab.learning.learner import Params
from rewardlab.models import lm
from rewardlab.models.shapes import weights_of
from rewardlab.runs import checkpoint
from rewardlab.runs.base import differences, newest, recipe, warmed
from rewardlab.runs.console import WARMUP, Console
from rewardlab.runs.prepare import Run
from rewardlab.runs.pretrained import ORIGIN, origin_of, read_origin
from rewardlab.runs.roles import Role, is_run
from rewardlab.runs.saved import policy_of_saved, saved_run
from rewardlab.system.files import short, write_whole
from rewardlab.system.processes import agreed


def second_models(
    run: Run, console: Console, found: Path | None = None
) -> dict[str, Params]:
    """The parameters of each role that a scorer asks, on the devices.

    With `found`, the checkpoint that the run goes on from, they are those that its run
    had. `ValueError`, in one sentence, for what is gone, changed or not finite.
    """
    made: dict[str, Params] = {}
    for name, role in run.program.frozen.roles.items():
        if role.place and not is_run(role.place):
            params = _of_weights(run, name, role, found)
        else:
            params = _kept_or_made(run, name, console, found)
        if not all_finite(params):
            raise ValueError(f"the model {name!r} holds numbers that are not finite")
        made[name] = params
    return made


def _kept_or_made(run: Run, name: str, console: Console, found: Path | None) -> Params:
    role, here = (
        run.program.frozen.roles[name],
        run.workdir.absolute() / "models" / name,
    )
    there = _place(found.parents[1], name) if found is not None else here
    kept, now = newest(there), _made_from(run, name)
    if kept is None and there.exists() and found is not None:
        raise ValueError(
            f"{short(there)} is damaged, which the run of {short(found)} asks; put it "
            "back, or begin again in a new --workdir"
        )
    why = "it is damaged" if kept is None and here.exists() else ""
    if kept is not None:
        own = found is not None and there == here  # whose config is the same
        extra = checkpoint.read_extra(kept)
        why = "" if own else ", ".join(differences(extra.get("made_from"), now))
        if not why:
            like = run.driver.part(lm.init(role.model, run.key))
            params = checkpoint.restore(kept, like)
            if there != here:
                checkpoint.save(here, 0, params, extra)
            return params
    if why:
        console.say(f"{short(here)} is made anew: {why}")
    params = _taken(run, role) if role.place else _warmed(run, name, console)
    checkpoint.save(here, 0, params, {"made_from": now})
    return params


def _place(workdir: Path, name: str) -> Path:
    return workdir / "models" / name


def _made_from(run: Run, name: str) -> dict[str, Any]:
    """All that a model depends on, as JSON has it."""
    role = run.program.frozen.roles[name]
    if role.place:
        return {"place": role.place, "step": saved_run(role.place).found.name}
    return {**recipe(run), "warmup.steps": role.steps}


def _taken(run: Run, role: Role) -> Params:
    params = policy_of_saved(saved_run(role.place))
    layout = lm.stacked if role.model.is_stacked else lm.unstacked
    return run.driver.part(layout(params))


def _warmed(run: Run, name: str, console: Console) -> Params:
    steps = run.program.frozen.roles[name].steps
    with console.progress(f"warm-up of the {name}", steps, WARMUP) as show:
        for step, params, row in warmed(run, steps):  # noqa: B007
            if step % 10 == 0 and step:
                show(step, {"loss": float(row["loss"])})
    return params


def _of_weights(run: Run, name: str, role: Role, found: Path | None) -> Params:
    """Weights that exist, if they are those that the run began with."""
    params = weights_of(role.place, role.model)
    now = origin_of(role.place, params)
    file = _place(run.workdir, name) / ORIGIN
    if found is not None:
        there = _place(found.parents[1], name) / ORIGIN
        then = read_origin(there)
        if then is not None and then["files"] != now["files"]:
            raise ValueError(
                f"the weights of models={run.config.models!r} are not what the run of "
                f"{short(found)} asked as {name!r}; put them back, or begin again in a "
                "new --workdir"
            )
    agreed(lambda: _note(file, now))
    return run.driver.part(params)


def _note(file: Path, origin: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, json.dumps(origin, indent=2) + "\n")
