"""Before a run can start: its data, its programs and its base policy."""

import contextlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import optax
from flax.traverse_util import flatten_dict
from jaxtyping import Array
from ml_collections import ConfigDict

from rewardlab import checkpoint
from rewardlab.learner import Params
from rewardlab.models import lm
from rewardlab.parallel import DRIVERS, Driver
from rewardlab.program import Program, build_program
from rewardlab.signals.aliases import names_of
from rewardlab.tasks import TASKS, Task
from rewardlab.tasks.columns import Columns, batch_indices, sample_of, take
from rewardlab.tasks.host import TextReward, hosted
from rewardlab.tasks.named_rewards import refuse, text_reward
from rewardlab.validate import validate
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
    key: Array  # of the seed
    text_rewards: tuple[str, ...] = ()  # their names


def prepare(
    config: ConfigDict, workdir: Path, text_rewards: Sequence[TextReward] = ()
) -> Run:
    """Checks the config, loads the data and builds the programs; nothing runs yet.

    Compiled programs are kept in the user's cache folder, unless JAX was told of
    another, so a second run of the same shapes starts in seconds.
    """
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
    load = lambda split: task.load(split, folder, **config.task.difficulty)  # noqa: E731
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


def write_config(run: Run) -> None:
    """Leaves the resolved config in the workdir, for people."""
    run.workdir.mkdir(parents=True, exist_ok=True)
    text = run.config.to_json_best_effort(indent=2)
    (run.workdir / "config.json").write_text(text + "\n")


def changes(config: ConfigDict, found: Path) -> list[str]:
    """The keys that a checkpoint was saved with other values of.

    A run may go on with other settings; nobody should do so unawares.
    """
    then = checkpoint.read_extra(found)["config"]
    now = json.loads(config.to_json_best_effort())
    then, now = (flatten_dict(x, sep=".") for x in (then, now))
    return [key for key in now if now[key] != then.get(key)]


def saved_base(run: Run) -> Params | None:
    """The policy that learning starts from, if warm-up is done, here or elsewhere.

    It is read from `workdir/base`, or from that of `model.init_from` and kept here.
    """
    where, here = run.config.model.init_from, run.workdir / "base"
    found = checkpoint.find(Path(where) / "base" if where else here, "auto")
    if found is None and where:
        raise ValueError(
            f"model.init_from={where!r} has no base policy; name the workdir of a run "
            "that did its warm-up"
        )
    if found is None:
        return None
    params = checkpoint.restore(found, _fresh(run))
    if where:
        _keep(run, params)
    return params


def make_base(run: Run) -> Iterator[tuple[int, Params, dict[str, Any]]]:
    """Warm-up on demonstrations: (step, params, metrics) each step; kept at the end.

    Without any steps the policy is untrained.
    """
    warmup, params = run.config.warmup, _fresh(run)
    row: dict[str, Any] = {}
    if warmup.steps == 0:
        yield 0, params, row
    schedule = optax.warmup_cosine_decay_schedule(
        0.0, warmup.lr, warmup.steps // 20, max(warmup.steps, 1)
    )
    steps = warm_up(
        run.program.policy,
        params,
        _demonstrations(run),
        optax.flatten(
            optax.chain(optax.clip_by_global_norm(1.0), optax.adam(schedule))
        ),
        run.driver,
        warmup.micro_batches,
    )
    for step, (params, row) in enumerate(steps, 1):  # noqa: B020
        yield step, params, row
    _keep(run, params)


def _fresh(run: Run) -> Params:
    return lm.init(run.program.model, run.key)


def _keep(run: Run, params: Params) -> None:
    extra = {"warmup": run.config.warmup.to_dict()}
    checkpoint.save(run.workdir / "base", 0, params, extra)


def _demonstrations(run: Run) -> Iterator[Columns]:
    """Batches for warm-up; every epoch demonstrates every problem anew."""
    config, count = run.config, len(run.problems["id"])
    size = config.warmup.batch_size
    per_epoch = max(count // size, 1)
    for step in range(config.warmup.steps):
        if step % per_epoch == 0:
            seed = (config.seed, step // per_epoch)
            length = config.rollout.max_completion_length
            episodes = run.task.demonstrations(
                run.problems, seed, length, **config.task.noise
            )
            columns = {
                "prompts": run.problems["prompts"],
                "prompt_mask": run.problems["prompt_mask"],
                **episodes._asdict(),
            }
        yield take(columns, batch_indices(config.seed, step, count, size))
