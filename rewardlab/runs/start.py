"""Where a run begins: anew, from its own checkpoint, or from another run's."""

from pathlib import Path
from typing import NamedTuple

from flax.traverse_util import flatten_dict

from rewardlab.core.finite import all_finite
from rewardlab.learning.learner import LearnerState
from rewardlab.runs import checkpoint
from rewardlab.runs.base import base_policy
from rewardlab.runs.console import Console
from rewardlab.runs.facts import facts_of
from rewardlab.runs.interrupts import Stop
from rewardlab.runs.iteration import Models
from rewardlab.runs.prepare import Run
from rewardlab.runs.record import (
    SAVED,
    Record,
    changed_keys,
    resolved,
    save_state,
    write_config,
    write_devices,
    write_facts,
)
from rewardlab.runs.second_models import second_models
from rewardlab.system.files import short
from rewardlab.system.processes import agreed

_OF_A_WORKDIR = (  # one of each, for life
    "reward",
    "task.name",
    "data.path",
    "data.train",
    "data.format",
    "model.name",
    "model.tokenizer",
    "model.num_layers",
    "model.width",
    "model.num_heads",
    "model.ffn",
    "model.lora.rank",
    "model.lora.alpha",
    "model.lora.targets",
    "models",
)


class Start(NamedTuple):
    """What the first iteration begins with."""

    found: Path | None  # the checkpoint that it was restored from
    frozen: Models  # what is read beside what learns, by role
    state: LearnerState
    known: list  # the newest rows of metrics, as its checkpoint holds them
    seconds: float  # of warm-up


def begin(run: Run, resume: str, console: Console, stop: Stop) -> Start:
    """Finds what the run goes on from, if anything, and says so; its record is written.

    Raises `ValueError` in one sentence for a workdir that holds another run, or one
    whose checkpoints are gone. What is taken from another run is saved here at once.
    """
    now, workdir = resolved(run.config), run.workdir.absolute()
    found = agreed(lambda: checkpoint.find(workdir, resume, console.say))
    own = found is not None and found.parents[1] == workdir
    # Read once: each reading checks every file of the checkpoint.
    extra = checkpoint.read_extra(found) if found is not None else {}
    then = extra.get("config", {})
    if found is None:
        _refuse_to_lose(run.workdir, console)
    elif own:
        _refuse_another(run, then, now)
    base, seconds = base_policy(run, console, found)
    stop.left = f"{short(workdir / 'base')} is saved, the same command begins from it"
    base = run.driver.part(base)
    models = second_models(run, console, found)
    frozen, facts = run.program.frozen.of(base, models), facts_of(run, base)
    state = run.program.init(base, run.rollout, run.key, run.program.hp, models)
    del base
    if found is not None:
        state = _restored(found, then, state, now)
        _say_scorers(found, {*extra.get("scorers", ())}, {*state.scorers}, console)
        changed = changed_keys(then, now)
        others = f" with another {', '.join(changed)}" if changed else ""
        console.say(f"going on from {short(found)}{others}")
        if own:
            beyond = int(state.step)
            agreed(lambda: checkpoint.set_aside(workdir, beyond))
        saved = found if own else save_state(workdir, run.config, state, [])
        stop.left = f"{short(saved)} is saved, the same command goes on from it"
    agreed(lambda: write_config(run.workdir, now, found))
    agreed(lambda: write_devices(run.workdir, run.driver.devices))
    agreed(lambda: write_facts(run.workdir, facts))
    known = extra.get("rows", []) if own else []
    return Start(found, frozen, state, known, seconds)


def _restored(
    found: Path, then: Record, like: LearnerState, now: Record
) -> LearnerState:
    try:
        state = checkpoint.restore(found, like, apart="scorers")
    except ValueError as error:
        if _said(then) == _said(now):
            raise
        raise ValueError(
            f"{short(found)} is of reward={then.get('reward')!r}, and the state of "
            f"reward={now['reward']!r} differs; keep the reward, or begin from its "
            "base policy with model.init_from"
        ) from error
    if not all_finite(state.params):
        raise ValueError(
            f"{short(found)} holds parameters that are not finite; delete that folder "
            "to go on from the one before it"
        )
    return state


def _say_scorers(found: Path, then: set[str], now: set[str], console: Console) -> None:
    """Which scorers begin anew, and what of others is left."""
    for names, what in ((now - then, "begins anew"), (then - now, "is left out")):
        for name in sorted(names):
            where = "is not in" if name in now else "is in"
            console.say(f"the scorer {name!r} {where} {short(found)}: it {what}")


def _refuse_another(run: Run, then: Record, now: Record) -> None:
    before, after = (flatten_dict(x, sep=".") for x in (then, now))
    for key in _OF_A_WORKDIR:
        if key not in before:  # a record of before there was such a key
            continue
        was, is_ = before.get(key), after[key]
        same = _said(then) == _said(now) if key == "reward" else was == is_
        if not same:
            raise ValueError(
                f"{short(run.workdir)} holds a run of {key}={was!r}, and this one is "
                f"of {is_!r}; use a new --workdir, or keep {key}"
            )


def _said(record: Record) -> str:
    return "".join(str(record.get("sentence")).split())


def _refuse_to_lose(workdir: Path, console: Console) -> None:
    """Nothing is cut back without a checkpoint to go on from, if there ever was one."""
    metrics, saved = workdir / "metrics.jsonl", workdir / SAVED
    if not metrics.exists() or not metrics.stat().st_size:
        return
    if saved.exists():
        said = saved.read_bytes()[:20].decode("ascii", "replace").strip()
        step = said if said.isdecimal() else "?"
        raise ValueError(
            f"{short(workdir)} holds a run with a checkpoint of step "
            f"{step}, and {short(workdir / 'checkpoints')} has "
            "none any more; put it back, or use a new --workdir"
        )
    console.say(f"{short(workdir)} has no checkpoint yet: its run begins again")
