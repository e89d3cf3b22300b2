"""What a config may not say: unknown keys, impossible shapes, settings without effect.

Each is refused with one sentence that names the key and says what to do.
"""

import difflib
import math
from collections.abc import Iterator

from ml_collections import ConfigDict

from rewardlab.builders import (
    AGGREGATIONS,
    OPTIMIZERS,
    SCHEDULES,
    loss_of,
    select_of,
    surrogate_options,
)
from rewardlab.collect import branching_of
from rewardlab.config import DEFAULTS, default_config
from rewardlab.methods import resolve
from rewardlab.models.lm import CONFIGS
from rewardlab.objectives import KL_ESTIMATORS, SURROGATES
from rewardlab.parallel import DRIVERS
from rewardlab.sampling.values import VALUE_SIGNALS
from rewardlab.selection import select_rows
from rewardlab.signals.aliases import wanted
from rewardlab.tasks import TASKS
from rewardlab.transforms import BASELINES


def validate(config: ConfigDict, devices: int) -> None:
    """Raises `ValueError`, in one sentence, for a config that cannot or need not run.

    `devices` is how many the run will use.
    """
    task = config.task.get("name", None)
    _known("task.name", task, TASKS)
    _refuse_unknown_keys(config, default_config(task))
    for problem in _problems(config, devices):
        raise ValueError(problem)


def _refuse_unknown_keys(config: ConfigDict, known: ConfigDict, at: str = "") -> None:
    for key in config:
        if key not in known:
            near = difflib.get_close_matches(key, list(known), n=1)
            guess = f"did you mean {at + near[0]!r}" if near else "remove it"
            raise ValueError(f"unknown config key {at + key!r}; {guess}")
        if isinstance(known[key], ConfigDict) and key != "hp":
            _refuse_unknown_keys(config[key], known[key], f"{at}{key}.")
    for key in known:
        if key not in config:
            raise ValueError(f"missing config key {at + key!r}; see default_config()")


def _known(key: str, value: object, table: dict) -> None:
    if value not in table:
        raise ValueError(f"{key}={value!r} is unknown; have {', '.join(table)}")


def _problems(config: ConfigDict, devices: int) -> Iterator[str]:
    for name, value in config.hp.items():
        if value is None:
            yield f"hp.{name} has no value; pass --config.hp.{name}=NUMBER"
    _known("model.name", config.model.name, CONFIGS)
    _known("optim.name", config.optim.name, OPTIMIZERS)
    _known("optim.schedule", config.optim.schedule, SCHEDULES)
    _known("loss.surrogate", config.loss.surrogate, ("", *SURROGATES))
    _known("loss.aggregation", config.loss.aggregation, ("", *AGGREGATIONS))
    _known("loss.kl", config.loss.kl, ("", *KL_ESTIMATORS))
    select_rows(select_of(config))
    _known("mesh.driver", config.mesh.driver, DRIVERS)
    if config.rollout.on_host and TASKS[config.task.name].on_host is None:
        yield (
            f"rollout.on_host=True and task {config.task.name!r} has no environment in "
            "Python; set it to False"
        )
    yield from _positive(config)
    yield from _shapes(config, devices)
    yield from _unused_options(config)
    yield from _no_ops(config)
    yield from _trees(config)


def _positive(config: ConfigDict) -> Iterator[str]:
    for key in (
        "rollout.num_prompts",
        "rollout.num_generations",
        "rollout.max_completion_length",
        "loss.num_iterations",
        "loss.micro_batches",
        "train.max_steps",
        "train.max_skipped",
        "train.max_unrewarded",
        "eval.every",
        "eval.num_problems",
        "eval.num_generations",
        "checkpoint.every",
        "checkpoint.keep",
        "log.completions_every",
    ):
        group, name = key.split(".")
        if config[group][name] < 1:
            yield f"{key}={config[group][name]} must be at least 1"


def _shapes(config: ConfigDict, devices: int) -> Iterator[str]:
    for key in ("rollout.num_prompts", "warmup.batch_size"):
        group, name = key.split(".")
        if config[group][name] % devices:
            yield (
                f"{key}={config[group][name]} does not divide over {devices} devices; "
                f"use a multiple of {devices}, or set mesh.devices"
            )
    prompts, chunks = config.rollout.num_prompts, config.loss.micro_batches
    if prompts // devices % chunks:
        yield (
            f"loss.micro_batches={chunks} does not divide the {prompts // devices} "
            f"prompts of a device; use a divisor of {prompts // devices}"
        )
    sentence = resolve(config.reward, **config.hp).sentence
    grouped = [name for name in BASELINES if "group" in name and name in sentence]
    if config.rollout.num_generations == 1 and grouped:
        yield (
            f"rollout.num_generations=1 leaves {grouped[0]} nothing to compare "
            "with, so every advantage would be 0; use at least 2"
        )


def _unused_options(config: ConfigDict) -> Iterator[str]:
    name = loss_of(config).surrogate
    own, every = (
        surrogate_options(name),
        {k for s in SURROGATES for k in surrogate_options(s)},
    )
    for key in DEFAULTS["loss"]:
        value = config.loss[key]
        if value is not None and key in every and key not in own:
            yield (
                f"loss.{key}={value} is not an option of loss.surrogate={name!r}, "
                f"which has {', '.join(own) or 'none'}; remove it"
            )


def _no_ops(config: ConfigDict) -> Iterator[str]:
    loss, rollout = config.loss, config.rollout
    for key in ("kl", "kl_correct_bias"):
        if loss[key] and loss_of(config).beta == 0:
            value = f"loss.{key}={loss[key]!r}"
            yield f"{value} does nothing while loss.beta=0; set loss.beta"
    if loss.dual_clip is not None and loss.dual_clip <= 1:
        yield f"loss.dual_clip={loss.dual_clip} must be above 1, where the ratio starts"
    if rollout.temperature <= 0:
        yield (
            f"rollout.temperature={rollout.temperature} makes all samples of a prompt "
            "equal, so nothing can be learned; use a temperature above 0"
        )
    asked = config.eval.temperature
    if asked is not None and not 0 <= asked < math.inf:
        yield f"eval.temperature={asked} must be finite and at least 0, which is greedy"
    if not 0 < rollout.top_p <= 1:
        yield f"rollout.top_p={rollout.top_p} must be above 0 and at most 1"
    if config.optim.lr == 0:
        yield "optim.lr=0 trains nothing; set optim.lr"
    if config.optim.name != "adamw" and config.optim.weight_decay:
        yield (
            f"optim.weight_decay={config.optim.weight_decay} does nothing for "
            f"{config.optim.name}; use optim.name='adamw'"
        )


def _trees(config: ConfigDict) -> Iterator[str]:
    task, rollout = TASKS[config.task.name], config.rollout
    tree, branching = rollout.branching, branching_of(config)
    missing = wanted(config).difference(task.signals)
    values = sorted(missing.intersection(VALUE_SIGNALS))
    if task.environment is None or rollout.on_host:
        if branching or rollout.continuations:
            have = ", ".join(k for k, t in TASKS.items() if t.environment)
            yield (
                "rollout.branching and rollout.continuations go back to turns that an "
                f"environment on the device has answered; use a task of {have} with "
                "rollout.on_host=False"
            )
        return
    problem = branching and branching.problem(
        rollout.num_generations, task.environment.max_turns
    )
    if problem:
        yield f"rollout.branching.{problem}"
    for key, usual in DEFAULTS["rollout"]["branching"].items():
        idle = "turns" if tree.turns and key in ("weight", "threshold") else ""
        idle = idle if branching else "roots"
        if idle and key != idle and tree[key] != usual:
            yield (
                f"rollout.branching.{key}={tree[key]} does nothing while "
                f"rollout.branching.{idle}={tree[idle]}; change one of them"
            )
    if rollout.continuations and not values:
        yield (
            f"rollout.continuations={rollout.continuations} does nothing: the reward "
            f"reads neither {' nor '.join(VALUE_SIGNALS)}; set it to 0"
        )
    if "node" in missing and not branching:
        yield (
            "the reward reads the signal 'node', and without a tree there is none; set "
            "rollout.branching.roots"
        )
    if values and not branching and not rollout.continuations:
        yield (
            f"the reward reads the signal {values[0]!r}, and nothing makes it; set "
            "rollout.continuations or rollout.branching.roots"
        )
