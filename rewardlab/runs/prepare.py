"""Before a run can start: its data and its programs."""

import contextlib
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array
from ml_collections import ConfigDict

from rewardlab.core.evaluations import Evaluation, counting
from rewardlab.core.stages import words
from rewardlab.core.types import Rollout
from rewardlab.data.batch import Batch
from rewardlab.learning.parallel import DRIVERS, Driver
from rewardlab.models.config import LMConfig
from rewardlab.models.known import KNOWN, fetch
from rewardlab.runs.aliases import names_of
from rewardlab.runs.alike import keep, known
from rewardlab.runs.builders import transform_of
from rewardlab.runs.evaluations import evaluations_of
from rewardlab.runs.lanes import among_lanes, one_prepares
from rewardlab.runs.policy import policy_of
from rewardlab.runs.problems import Problems, problems_of
from rewardlab.runs.program import Program, build_program, numbers_of
from rewardlab.runs.roles import places_of
from rewardlab.runs.signals import scorers_text
from rewardlab.runs.validate import check_values, validate
from rewardlab.runs.validate.rehearsal import rehearse
from rewardlab.scorers.named_rewards import refuse
from rewardlab.scorers.plan import Plan
from rewardlab.scorers.sentence import texts_of
from rewardlab.system.caches import data_folder, keep_programs
from rewardlab.system.processes import several
from rewardlab.tasks import Task, task_of


class Run(NamedTuple):
    """What does not change while a run lasts."""

    config: ConfigDict
    workdir: Path
    task: Task
    driver: Driver
    program: Program
    rollout: Rollout  # the shapes of one in training
    problems: Batch  # of the train split
    held_out: Batch  # of the test split
    key: Array  # of the seed
    notes: tuple[str, ...] = ()  # what is worth saying of the problems
    evaluations: tuple[Evaluation, ...] = ()  # besides sampling and the update


def prepare(
    config: ConfigDict, workdir: Path, say: Callable[[str], None] = print
) -> Run:
    """Checks the config, loads the data and builds the programs; nothing runs yet.

    A known model that is not on this machine is fetched first, and `say` told so.
    """
    check_values(config)
    for name in {config.model.name, *places_of(config).values()} & KNOWN.keys():
        fetch(name, say)
    keep_programs()
    if config.mesh.devices > 1 and not several():
        with contextlib.suppress(RuntimeError):  # too late once JAX has looked
            jax.config.update("jax_num_cpu_devices", config.mesh.devices)
    devices = jax.devices()
    if config.mesh.devices > len(devices):
        raise ValueError(
            f"mesh.devices={config.mesh.devices} and there are {len(devices)}; lower "
            "it, or write 0 for all (CPU devices are made before JAX is first used)"
        )
    if several():
        _refuse_alone(config, len(devices))
    devices = devices[: config.mesh.devices or None]
    validate(config, len(devices))
    with one_prepares():
        run = known(config)
        if run is None:
            run = _built(config, workdir, devices)
            keep(config, run, on_device=run.program.fused and run.program.judged)
        else:
            run = _as_another(run, config, workdir)
    return run._replace(program=among_lanes(run.program, run.driver))


def _as_another(run: Run, config: ConfigDict, workdir: Path) -> Run:
    """A run by the same compiled program, with numbers of its own."""
    spelled, hp = words(transform_of(config)), numbers_of(config)
    policy = policy_of(config, run.program.model, hp)
    program = run.program._replace(policy=policy, words=spelled, hp=hp)
    key = jax.random.key(config.seed)
    return run._replace(config=config, workdir=workdir, program=program, key=key)


def _built(config: ConfigDict, workdir: Path, devices: Sequence[jax.Device]) -> Run:
    driver = DRIVERS[config.mesh.driver](devices, config.mesh.fsdp)
    task = task_of(config)
    problems = problems_of(config, task, data_folder(config.data_dir))
    episodes = task.environment is not None or config.rollout.on_host
    columns = problems.held_out.columns
    texts = texts_of(scorers_text(config))
    refuse(texts, columns, task.signals, names_of(config), episodes)
    program = build_program(config, task, driver, problems.train)
    _refuse_unfit(program, config, problems)
    first = problems.train.take(np.arange(config.rollout.num_prompts))
    with counting() as traced:
        rollout = rehearse(program, first)
    case = (config, task, program.plan, problems.train)
    return Run(
        config,
        workdir,
        task,
        driver,
        program,
        rollout,
        problems.train,
        problems.held_out,
        jax.random.key(config.seed),
        problems.notes,
        evaluations_of(*case, traced),
    )


def _refuse_alone(config: ConfigDict, devices: int) -> None:
    """`ValueError` for what one process alone can do."""
    if config.mesh.devices not in (0, devices):
        raise ValueError(
            f"mesh.devices={config.mesh.devices} and the processes of this run have "
            f"{devices}; write 0 for all"
        )
    for key, value, usual in (
        ("mesh.driver", config.mesh.driver, "jit"),
        ("rollout.on_host", config.rollout.on_host, False),
    ):
        if value != usual:
            raise ValueError(
                f"{key}={value!r} works in one process alone, and this run has "
                f"several; use {usual!r}, or start one process"
            )


def _refuse_unfit(program: Program, config: ConfigDict, problems: Problems) -> None:
    """`ValueError` for problems that the model or a scorer can do nothing with."""
    _refuse_lacking(program.plan, problems.held_out.columns)
    _refuse_beyond(program.model, f"model.name={config.model.name!r}", config, problems)
    for name, role in program.frozen.roles.items():
        _refuse_beyond(role.model, f"the {name}, {role.place}", config, problems)


def _refuse_beyond(
    model: LMConfig, name: str, config: ConfigDict, problems: Problems
) -> None:
    """`ValueError` for rows that are longer than what the model was trained for."""
    most = model.max_positions
    splits = (problems.train, problems.held_out)
    names = ("prompts", "hint_prompts")
    widths = [s.arrays[n].shape[1] for s in splits for n in names if n in s.arrays]
    prompt = max(widths)
    length = config.rollout.max_completion_length
    if most and prompt + length > most:
        raise ValueError(
            f"prompts of up to {prompt} tokens with rollout.max_completion_length="
            f"{length} go beyond the {most} positions of {name}; lower that, or "
            "rollout.max_prompt_length"
        )


def _refuse_lacking(plan: Plan, columns: Collection[str]) -> None:
    """`ValueError` for a scorer that reads a column which the data do not have."""
    for scorer in plan.scorers:
        for column in scorer.columns:
            if column not in columns:
                raise ValueError(
                    f"the scorer {scorer.name!r} reads the column {column!r} of the "
                    f"data; have {', '.join(sorted(columns))}"
                )
