"""Before a run can start: its data and its programs."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import jax
from jaxtyping import Array
from ml_collections import ConfigDict

from rewardlab.parallel import DRIVERS, Driver
from rewardlab.program import Program, build_program
from rewardlab.signals.aliases import names_of
from rewardlab.tasks import TASKS, Task
from rewardlab.tasks.columns import Columns, checked, sample_of, take
from rewardlab.tasks.host import TextReward, hosted
from rewardlab.tasks.named_rewards import refuse, text_reward
from rewardlab.validate import check_values, validate

CACHE = Path.home() / ".cache" / "rewardlab"


class Run(NamedTuple):
    """What does not change while a run lasts."""

    config: ConfigDict
    workdir: Path
    task: Task
    driver: Driver
    program: Program
    problems: Columns  # of the train split
    held_out: Columns  # of the test split
    key: Array  # of the seed
    text_rewards: tuple[str, ...] = ()  # their names


def prepare(
    config: ConfigDict, workdir: Path, text_rewards: Sequence[TextReward] = ()
) -> Run:
    """Checks the config, loads the data and builds the programs; nothing runs yet.

    Compiled programs are kept in the user's cache folder, unless JAX was told of
    another, so a second run of the same shapes starts in seconds.
    """
    check_values(config)
    if jax.config.jax_compilation_cache_dir is None:  # type: ignore[attr-defined]
        jax.config.update("jax_compilation_cache_dir", str(CACHE / "compiled"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)
    if config.mesh.devices > 1:
        with contextlib.suppress(RuntimeError):  # too late once JAX has looked
            jax.config.update("jax_num_cpu_devices", config.mesh.devices)
    devices = jax.devices()
    if config.mesh.devices > len(devices):
        raise ValueError(
            f"mesh.devices={config.mesh.devices} and there are {len(devices)}; lower "
            "it, or write 0 for all"
        )
    devices = devices[: config.mesh.devices or None]
    validate(config, len(devices))
    driver = DRIVERS[config.mesh.driver](devices)
    task = TASKS[config.task.name]
    folder = Path(config.data_dir or CACHE / "data")

    def load(split: str) -> Columns:
        columns = task.load(split, folder, **config.task.difficulty)
        return checked(columns, f"the {split} split of {config.task.name!r}")

    held_out = _held_out(config, task, load("test"))
    rewards = [*text_rewards, *map(text_reward, config.text_rewards)]
    refuse(rewards, held_out, task.signals, names_of(config))
    return Run(
        config,
        workdir,
        task,
        driver,
        build_program(config, task, driver, hosted(rewards, task.tokenizer)),
        load("train"),
        held_out,
        jax.random.key(config.seed),
        tuple(reward.name for reward in rewards),
    )


def _held_out(config: ConfigDict, task: Task, problems: Columns) -> Columns:
    """The problems that the policy is judged on."""
    if "correct" not in task.signals:
        raise ValueError(
            f"the task {config.task.name!r} makes no signal 'correct', which says what "
            "share of held-out problems is solved; add it in `score`, or as an outcome "
            "of the environment, and name it in `Task.signals`"
        )
    count, have = config.eval.num_problems, len(problems["id"])
    if count > have:
        raise ValueError(
            f"eval.num_problems={count} and the test split has {have}; lower it, or "
            "raise task.difficulty.test"
        )
    return take(problems, sample_of(have, count))
