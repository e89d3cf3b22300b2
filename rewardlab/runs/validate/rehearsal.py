"""The reward of a run on shapes: what it lacks is said before anything runs."""

import difflib

import jax
from ml_collections import ConfigDict

from rewardlab.core.types import NoSignal, Rollout
from rewardlab.data.batch import Batch
from rewardlab.methods import reads
from rewardlab.models import lm
from rewardlab.runs.aliases import names_of
from rewardlab.runs.builders import select_of, transform_of
from rewardlab.runs.program import Program
from rewardlab.scorers.makers import SAMPLER, TREES, tasks_for
from rewardlab.selection import signals_of


def rehearse(config: ConfigDict, program: Program, batch: Batch) -> Rollout:
    """The shapes of a rollout in training, which the reward has gone through.

    `ValueError`, in one sentence, for a signal that nothing makes or that has another
    shape than its reader needs, and for channels that the sentence leaves apart.
    """
    key = jax.random.key(0)
    params = jax.eval_shape(lambda key: lm.init(program.model, key), key)
    try:
        rollout = program.shapes(params, batch)
        program.learner.rehearse(rollout, program.hp)
    except NoSignal as error:
        raise ValueError(_nobody_makes(config, error)) from None
    return rollout


def _nobody_makes(config: ConfigDict, error: NoSignal) -> str:
    name, aliases = error.name, names_of(config)
    there = [n for n in error.have if not n.endswith("_valid")]
    near = difflib.get_close_matches(name, there, n=1, cutoff=0.75)
    guess = f"did you mean {near[0]!r}? There are" if near else "there are"
    reader = f"signals={config.signals!r} names" if name in aliases.values() else ""
    select = select_of(config)
    reader = reader or (
        f"select={select!r} reads"
        if name in signals_of(select) and name not in reads(transform_of(config))
        else f"the reward {config.reward!r} reads"
    )
    return (
        f"{reader} the signal {name!r}, and nothing makes it in a run of "
        f"task.name={config.task.name!r}: {guess} {', '.join(there)}; {_how(name)}give "
        f"a text reward that name, or read another with --config.signals={name}=NAME"
    )


def _how(name: str) -> str:
    """What else could make the signal."""
    tasks = tasks_for([name])
    if name in TREES:
        return "set rollout.branching.roots or rollout.continuations, "
    if tasks and name not in SAMPLER:
        return f"use task.name={' or '.join(map(repr, tasks))}, "
    return ""
