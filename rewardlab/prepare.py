"""Before a run can start: its data, its programs and its base policy."""

import contextlib
import functools
import pkgutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import optax
from ml_collections import ConfigDict

from rewardlab import checkpoint
from rewardlab.config import validate
from rewardlab.learner import Params
from rewardlab.models import lm
from rewardlab.parallel import DRIVERS, Driver
from rewardlab.program import Host, Program, build_program
from rewardlab.tasks import TASKS, Task
from rewardlab.tasks.columns import Columns, batch_indices, take
from rewardlab.tasks.host import TextReward, host_signal
from rewardlab.warmup import warm_up

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


def prepare(
    config: ConfigDict, workdir: Path, text_rewards: Sequence[TextReward] = ()
) -> Run:
    """Checks the config, loads the data and builds the programs; nothing runs yet.

    Compiled programs are kept in the user's cache folder, so a second run of the same
    shapes starts in seconds.
    """
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
    load = lambda split: task.load(split, folder, **config.task.difficulty)  # noqa: E731
    held_out = load("test")
    count = config.eval.num_problems
    if count > len(held_out["id"]):
        raise ValueError(
            f"eval.num_problems={count} and the test split has {len(held_out['id'])}; "
            "lower it, or raise task.difficulty.test"
        )
    return Run(
        config,
        workdir,
        task,
        driver,
        build_program(config, task, driver, _host(config, task, text_rewards)),
        load("train"),
        take(held_out, np.arange(count)),
    )


def _host(
    config: ConfigDict, task: Task, text_rewards: Sequence[TextReward]
) -> Host | None:
    """What adds the signals of all text rewards; None if there are none."""
    rewards = [*text_rewards, *map(_text_reward, config.text_rewards)]
    adders = [host_signal(reward, task.tokenizer) for reward in rewards]
    if not adders:
        return None
    return lambda rollout, columns: functools.reduce(
        lambda scored, add: add(scored, columns), adders, rollout
    )


def _text_reward(where: str) -> TextReward:
    try:
        function = pkgutil.resolve_name(where)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(
            f"text reward {where!r} cannot be imported ({error}); write "
            "package.module:function"
        ) from None
    return TextReward(function.__name__, function)


def base_policy(run: Run) -> Iterator[tuple[int, Params, dict[str, Any]]]:
    """The policy that learning starts from, as warm-up goes: (step, params, metrics).

    It is read from `workdir/base`, or from `model.init_from`'s, and else made by
    supervised warm-up on demonstrations and kept there. At least one item comes.
    """
    config, model = run.config, run.program.model
    here = run.workdir / "base"
    params = lm.init(model, jax.random.key(config.seed))
    source = Path(config.model.init_from) / "base" if config.model.init_from else here
    if found := checkpoint.find(source, "auto"):
        params = checkpoint.restore(found, params)
    elif config.model.init_from:
        raise ValueError(
            f"model.init_from={config.model.init_from!r} has no base policy; name the "
            "workdir of a run that did its warm-up"
        )
    step: int = 0
    row: dict[str, Any] = {}
    if found is None:
        steps = config.warmup.steps
        schedule = optax.warmup_cosine_decay_schedule(
            0.0, config.warmup.lr, steps // 20, max(steps, 1)
        )
        optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(schedule))
        steps_taken = warm_up(
            run.program.policy,
            params,
            _demonstrations(run),
            optimizer,
            run.driver,
            config.warmup.micro_batches,
        )
        for params, row in steps_taken:
            step += 1
            if step < steps:
                yield step, params, row
    if source != here or found is None:
        checkpoint.save(here, 0, params, {"warmup": config.warmup.to_dict()})
    yield step, params, row


def _demonstrations(run: Run) -> Iterator[Columns]:
    """Batches for warm-up; every epoch demonstrates every problem anew."""
    config, count = run.config, len(run.problems["id"])
    size = config.warmup.batch_size
    per_epoch = count // size
    for step in range(config.warmup.steps):
        if step % per_epoch == 0:
            seed = (config.seed, step // per_epoch)
            length = config.rollout.max_completion_length
            tokens, mask = run.task.demonstrations(
                run.problems, seed, length, **config.task.noise
            )
            columns = {
                "prompts": run.problems["prompts"],
                "prompt_mask": run.problems["prompt_mask"],
                "tokens": tokens,
                "mask": mask,
            }
        yield take(columns, batch_indices(config.seed, step, count, size))
