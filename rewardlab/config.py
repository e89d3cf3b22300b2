"""The configuration of a run: every key there is, and what is refused.

`default_config()` lists all keys with their defaults. `validate` refuses unknown keys,
impossible shapes and settings that would do nothing, each with one sentence.
"""

import difflib
from collections.abc import Iterator
from typing import Any

from ml_collections import ConfigDict
from ml_collections.config_dict import placeholder

from rewardlab.builders import (
    AGGREGATIONS,
    OPTIMIZERS,
    SCHEDULES,
    aggregation_of,
    surrogate_of,
    surrogate_options,
)
from rewardlab.methods import METHODS, resolve
from rewardlab.models.lm import CONFIGS
from rewardlab.objectives import KL_ESTIMATORS, SURROGATES
from rewardlab.parallel import DRIVERS
from rewardlab.sentence import hyperparameters
from rewardlab.tasks import TASKS
from rewardlab.transforms import BASELINES

DEFAULTS: dict[str, Any] = {
    "seed": 0,
    "reward": "grpo",  # a sentence, or the name of a method
    "hp": {},  # values of the sentence's bare names
    "text_rewards": (),  # "package.module:function" with TRL's signature
    "data_dir": "",  # "": a folder of the user's cache
    "model": {
        "name": "S",
        "dtype": "float32",
        "remat": False,
        "init_from": "",  # the workdir of a run whose warm model to start from
    },
    "warmup": {"steps": 500, "batch_size": 64, "lr": 3e-3, "micro_batches": 1},
    "rollout": {
        "num_prompts": 16,
        "num_generations": 8,
        "max_completion_length": 0,  # of the task, in `default_config`
        "temperature": 1.0,
        "top_k": 0,  # 0: off
        "top_p": 1.0,
    },
    "loss": {
        "surrogate": "",  # "": the method's, or clipped for a sentence
        # Its options; None: the method's, or the default of the surrogate.
        "epsilon": None,
        "epsilon_high": None,
        "dual_clip": None,
        "tau_pos": None,
        "tau_neg": None,
        "cov_share": None,
        "cov_low": None,
        "cov_high": None,
        "cov_kl": None,
        "off_policy_delta": None,
        "k_pos": None,
        "lambda_pos": None,
        "k_neg": None,
        "lambda_neg": None,
        "w_min": None,
        "w_max": None,
        "floor": None,
        "aggregation": "",  # "": the method's, or token_mean for a sentence
        "beta": 0.0,
        "kl": "k3",
        "kl_correct_bias": False,
        "entropy": 0.0,
        "num_iterations": 1,
        "micro_batches": 1,  # on each device
    },
    "optim": {
        "name": "adamw",
        "lr": 2e-4,
        "schedule": "constant",
        "warmup_steps": 0,
        "b1": 0.9,
        "b2": 0.99,
        "weight_decay": 0.0,
        "max_grad_norm": 1.0,
    },
    "train": {"max_steps": 100, "max_skipped": 5},
    "eval": {"every": 20, "num_problems": 128, "num_generations": 8},
    "log": {"completions_every": 20, "wandb": False},
    "checkpoint": {"every": 20, "keep": 3},
    "mesh": {"driver": "jit", "devices": 0},  # 0: all there are
}


def default_config(task: str = "arithmetic") -> ConfigDict:
    """A locked config with every key. Batch sizes are in prompts, lengths in tokens."""
    config = ConfigDict(DEFAULTS)
    for name, value in DEFAULTS["loss"].items():
        if value is None:
            config.loss[name] = placeholder(float)
    known = TASKS[task]
    options = {"difficulty": known.difficulty, "noise": known.noise}
    config.task = ConfigDict({"name": task, **options})
    config.rollout.max_completion_length = known.completion_length
    config.lock()
    config.hp.unlock()  # a sentence may use any names
    return config


def use_reward(config: ConfigDict, reward: str) -> None:
    """Sets the reward, and `hp` to a method's own values or a sentence's names.

    A name without a value yet is None: `--config.hp.tau=0.1` is then a typed flag.
    """
    method = METHODS.get(reward)
    names = hyperparameters(method.sentence if method else reward)
    values = method.hp if method else {name: placeholder(float) for name in names}
    config.reward, config.hp = reward, ConfigDict(values)


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
    _known("loss.surrogate", surrogate_of(config), SURROGATES)
    _known("loss.aggregation", aggregation_of(config), AGGREGATIONS)
    _known("loss.kl", config.loss.kl, KL_ESTIMATORS)
    _known("mesh.driver", config.mesh.driver, DRIVERS)
    yield from _positive(config)
    yield from _shapes(config, devices)
    yield from _unused_options(config)
    yield from _no_ops(config)


def _positive(config: ConfigDict) -> Iterator[str]:
    for key in (
        "rollout.num_prompts",
        "rollout.num_generations",
        "rollout.max_completion_length",
        "loss.num_iterations",
        "loss.micro_batches",
        "train.max_steps",
        "train.max_skipped",
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
    for key in ("rollout.num_prompts", "eval.num_problems", "warmup.batch_size"):
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
    name = surrogate_of(config)
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
    for key, usual in (("kl", "k3"), ("kl_correct_bias", False)):
        if loss[key] != usual and loss.beta == 0:
            value = f"loss.{key}={loss[key]!r}"
            yield f"{value} does nothing while loss.beta=0; set loss.beta"
    if loss.dual_clip is not None and loss.dual_clip <= 1:
        yield f"loss.dual_clip={loss.dual_clip} must be above 1, where the ratio starts"
    if rollout.temperature <= 0:
        yield (
            f"rollout.temperature={rollout.temperature} makes all samples of a prompt "
            "equal, so nothing can be learned; use a temperature above 0"
        )
    if not 0 < rollout.top_p <= 1:
        yield f"rollout.top_p={rollout.top_p} must be above 0 and at most 1"
    if config.optim.lr == 0:
        yield "optim.lr=0 trains nothing; set optim.lr"
    if config.optim.name != "adamw" and config.optim.weight_decay:
        yield (
            f"optim.weight_decay={config.optim.weight_decay} does nothing for "
            f"{config.optim.name}; use optim.name='adamw'"
        )
