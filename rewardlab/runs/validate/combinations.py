"""Settings that do not go together: impossible shapes, and what has no effect."""

import importlib.util
from collections.abc import Iterator

from ml_collections import ConfigDict

from rewardlab.core.ranges import LEAST_FLOAT
from rewardlab.models.shapes import has_weights
from rewardlab.rollouts.values import VALUE_SIGNALS
from rewardlab.runs.aliases import wanted
from rewardlab.runs.builders import (
    build_objective,
    method_in,
    select_of,
    transform_of,
    unused,
    updates_of,
)
from rewardlab.runs.config import DEFAULTS
from rewardlab.runs.switches import branching_of
from rewardlab.scorers.makers import SETTING
from rewardlab.scorers.sentence import brought_by, scorers_of
from rewardlab.selection import rounds_of
from rewardlab.tasks import TASKS, Task, task_of
from rewardlab.transforms import BASELINES

LEAST_TEMPERATURE = 1e-3
OF_FILES = ("path", "train", "test", "held_out", "prompt")  # keys of the group data


def impossible(config: ConfigDict, devices: int) -> Iterator[str]:
    """A sentence for each setting that the others make impossible or idle."""
    task = task_of(config)
    if config.rollout.on_host and task.on_host is None:
        yield (
            f"rollout.on_host=True and task {config.task.name!r} has no environment in "
            "Python; set it to False"
        )
    if not config.rollout.on_host and task.on_host and task.environment is None:
        yield (
            f"rollout.on_host=False and the environment of task {config.task.name!r} "
            "is in Python only; set it to True"
        )
    if config.rollout.stop and (config.rollout.on_host or task.environment):
        yield (
            f"rollout.stop={config.rollout.stop!r} ends completions, and turns of task "
            f"{config.task.name!r} end as its environment says; leave it out"
        )
    yield from _of_data(config, task)
    yield from _of_weights(config)
    yield from _sentences(config)
    yield from _shapes(config, devices)
    yield from _no_ops(config)
    yield from _trees(config)


def _of_data(config: ConfigDict, task: Task) -> Iterator[str]:
    """Files that nothing reads, and a warm-up with nothing to imitate."""
    if config.warmup.steps and task.demonstrations is None:
        how = "set Task.demonstrations"
        how = "name their column in data.demonstrations" if task.of_data else how
        yield (
            f"warmup.steps={config.warmup.steps} and task {config.task.name!r} has no "
            f"demonstrations to imitate; set it to 0, or {how}"
        )
    usual = DEFAULTS["data"]
    idle = {*usual} - {"too_long"} if task.of_data is None else set[str]()
    idle |= {*OF_FILES} if task.of_data and task.difficulty else set()
    for key in sorted(idle):
        if config.data[key] != usual[key]:
            yield (
                f"data.{key}={config.data[key]!r} does nothing, since "
                f"task.name={config.task.name!r} has problems of its own; set "
                "task.name='data'"
            )


def _of_weights(config: ConfigDict) -> Iterator[str]:
    """A second place that the weights are to come from."""
    name = config.model.name
    if not has_weights(name):
        return
    if config.model.init_from:
        yield (
            f"model.init_from={config.model.init_from!r} and model.name={name!r} both "
            "say where the weights come from; leave one out"
        )
    if config.warmup.steps:
        yield (
            f"warmup.steps={config.warmup.steps} is for models without weights, and "
            f"model.name={name!r} has some; set it to 0"
        )


def _shapes(config: ConfigDict, devices: int) -> Iterator[str]:
    for key in ("rollout.num_prompts", "warmup.batch_size"):
        group, name = key.split(".")
        if config[group][name] % devices:
            yield (
                f"{key}={config[group][name]} does not divide over {devices} devices; "
                f"use a multiple of {devices}, or set mesh.devices"
            )
    batches = {"optim": config.rollout.num_prompts, "warmup": config.warmup.batch_size}
    for group, prompts in batches.items():
        own, chunks = prompts // devices, config[group].micro_batches
        if own % chunks:
            yield (
                f"{group}.micro_batches={chunks} does not divide the {own} prompts of "
                f"a device; use a divisor of {own}"
            )
    updates, own = updates_of(config), config.rollout.num_prompts // devices
    if config.updates and updates.fitted(own) != updates:
        fits = ", ".join(str(n) for n in range(1, own + 1) if own % n == 0)
        yield (
            f"updates={config.updates!r} does not cut the {own} prompts of a device "
            f"evenly; use one of {fits}"
        )
    tree = transform_of(config).tree
    words = [word.word for word in tree.words] if tree else []
    grouped = [name for name in words if name in BASELINES and "group" in name]
    if config.rollout.num_generations == 1 and grouped:
        yield (
            f"rollout.num_generations=1 leaves {grouped[0]} nothing to compare "
            "with, so every advantage would be 0; use at least 2"
        )


def _sentences(config: ConfigDict) -> Iterator[str]:
    """Values that no sentence uses; sentences that are none say so themselves."""
    if names := unused(config):
        yield (
            f"hyperparameters {names} are not used by the reward, the loss or another "
            "sentence; drop them or write them into one"
        )
    build_objective(config)
    rounds_of(select_of(config))
    updates_of(config)


def _no_ops(config: ConfigDict) -> Iterator[str]:
    rollout = config.rollout
    if rollout.temperature < LEAST_TEMPERATURE:
        yield (
            f"rollout.temperature={rollout.temperature} makes all samples of a prompt "
            f"equal, so nothing can be learned; use at least {LEAST_TEMPERATURE}"
        )
    if 0 < (config.eval.temperature or 0) < LEAST_TEMPERATURE:
        yield (
            f"eval.temperature={config.eval.temperature} is no temperature to divide "
            f"by; use 0, which is greedy, or at least {LEAST_TEMPERATURE}"
        )
    if config.log.wandb and importlib.util.find_spec("wandb") is None:
        yield "log.wandb=True and wandb is not installed; pip install wandb, or False"
    if config.optim.lr < LEAST_FLOAT:
        yield f"optim.lr={config.optim.lr:g} trains nothing; set optim.lr"
    if config.optim.name != "adamw" and config.optim.weight_decay:
        yield (
            f"optim.weight_decay={config.optim.weight_decay} does nothing for "
            f"{config.optim.name}; use optim.name='adamw'"
        )


_OF_ENTROPY = ("weight", "threshold")  # numbers of that rule alone


def _idle_branching(tree: ConfigDict, branches: bool) -> Iterator[str]:
    for key, usual in DEFAULTS["rollout"]["branching"].items():
        idle = "rule" if key in _OF_ENTROPY and tree.rule != "entropy_rise" else ""
        idle = "turns" if tree.turns and key in ("rule", *_OF_ENTROPY) else idle
        idle = idle if branches else "roots"
        if idle and key != idle and tree[key] != usual:
            yield (
                f"rollout.branching.{key}={tree[key]} does nothing while "
                f"rollout.branching.{idle}={tree[idle]}; change one of them"
            )


def _trees(config: ConfigDict) -> Iterator[str]:
    task, rollout = task_of(config), config.rollout
    tree, branching = rollout.branching, branching_of(config)
    missing = wanted(config).difference(task.signals)
    brought = scorers_of(brought_by(method_in(config)), SETTING)
    made = {name for scorer in brought for name in scorer.provides}
    values = sorted(missing.intersection(VALUE_SIGNALS) - made)
    if task.environment is None or rollout.on_host:
        if branching or rollout.continuations:
            have = ", ".join(k for k, t in TASKS.items() if t.environment)
            yield (
                "rollout.branching and rollout.continuations go back to turns that an "
                f"environment on the device has answered; use a task of {have} with "
                "rollout.on_host=False"
            )
        return
    problem = branching and branching.validate(
        rollout.num_generations, task.environment.max_turns
    )
    if problem:
        yield f"rollout.branching.{problem}"
    yield from _idle_branching(tree, bool(branching))
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
