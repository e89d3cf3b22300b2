"""Before a run can start: its data and its programs."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array
from ml_collections import ConfigDict

from rewardlab.core.types import Rollout
from rewardlab.data.batch import Batch, batch_of
from rewardlab.data.columns import checked, sample_of
from rewardlab.learning.parallel import DRIVERS, Driver
from rewardlab.runs.aliases import names_of
from rewardlab.runs.program import Program, build_program
from rewardlab.runs.validate import check_values, validate
from rewardlab.runs.validate.rehearsal import rehearse
from rewardlab.scorers.named_rewards import refuse, text_reward
from rewardlab.scorers.text_rewards import TextReward, hosted
from rewardlab.system.caches import data_folder, keep_programs
from rewardlab.tasks import Task, task_named


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
    text_rewards: tuple[str, ...] = ()  # their names


def prepare(
    config: ConfigDict, workdir: Path, text_rewards: Sequence[TextReward] = ()
) -> Run:
    """Checks the config, loads the data and builds the programs; nothing runs yet."""
    check_values(config)
    keep_programs()
    if config.mesh.devices > 1:
        with contextlib.suppress(RuntimeError):  # too late once JAX has looked
            jax.config.update("jax_num_cpu_devices", config.mesh.devices)
    devices = jax.devices()
    if config.mesh.devices > len(devices):
        raise ValueError(
            f"mesh.devices={config.mesh.devices} and there are {len(devices)}; lower "
            "it, or write 0 for all (CPU devices are made before JAX is first used)"
        )
    devices = devices[: config.mesh.devices or None]
    validate(config, len(devices))
    driver = DRIVERS[config.mesh.driver](devices)
    task = task_named(config.task.name)
    folder = data_folder(config.data_dir)

    def load(split: str) -> Batch:
        columns = task.load(split, folder, **config.task.difficulty)
        source = f"the {split} split of {config.task.name!r}"
        return batch_of(checked(columns, source))

    held_out = _held_out(config, task, load("test"))
    rewards = [*text_rewards, *map(text_reward, config.text_rewards)]
    episodes = task.environment is not None or config.rollout.on_host
    refuse(rewards, held_out.columns, task.signals, names_of(config), episodes)
    problems = _to_train_on(config, load("train"))
    program = build_program(config, task, driver, hosted(rewards, task.tokenizer))
    first = problems.take(np.arange(config.rollout.num_prompts))
    return Run(
        config,
        workdir,
        task,
        driver,
        program,
        rehearse(config, program, first),
        problems,
        held_out,
        jax.random.key(config.seed),
        tuple(reward.name for reward in rewards),
    )


def _to_train_on(config: ConfigDict, problems: Batch) -> Batch:
    """The problems of a batch are different ones, so there must be as many."""
    have, sizes = (
        problems.size,
        {"rollout.num_prompts": config.rollout.num_prompts},
    )
    if config.warmup.steps:
        sizes["warmup.batch_size"] = config.warmup.batch_size
    for key, size in sizes.items():
        if size > have:
            raise ValueError(
                f"{key}={size} and the train split has {have} problems; lower it, or "
                "raise task.difficulty.train"
            )
    return problems


def _held_out(config: ConfigDict, task: Task, problems: Batch) -> Batch:
    """The problems that the policy is judged on."""
    if "correct" not in task.signals:
        raise ValueError(
            f"the task {config.task.name!r} makes no signal 'correct', which says what "
            "share of held-out problems is solved; add it in `score`, or as an outcome "
            "of the environment, and name it in `Task.signals`"
        )
    count, have = config.eval.num_problems, problems.size
    if count > have:
        raise ValueError(
            f"eval.num_problems={count} and the test split has {have}; lower it, or "
            "raise task.difficulty.test"
        )
    return problems.take(sample_of(have, count))
