"""What each key of a config may be: one table, and nothing that is not in it."""

import reprlib
from collections.abc import Iterator
from typing import Any

from flax.traverse_util import flatten_dict
from ml_collections import ConfigDict

from rewardlab.core.ranges import (
    FLAG,
    FRACTION,
    NOT_NEGATIVE,
    NUMBER,
    POSITIVE,
    SHARE,
    TEXT,
    Each,
    Maybe,
    Named,
    OneOf,
    Range,
    Rule,
    is_number,
    is_whole,
    whole,
)
from rewardlab.learning.parallel import DRIVERS, PRECISIONS
from rewardlab.models.config import MATRICES
from rewardlab.models.lm import LAYERS
from rewardlab.rollouts.forking import BRANCHING_RULES
from rewardlab.runs.builders import OPTIMIZERS, SCHEDULES
from rewardlab.runs.detectors import DETECTORS
from rewardlab.tasks import TASKS
from rewardlab.text.formats import FORMATS

SEED = whole(0, 2**32 - 1)  # JAX reads 32 bits, and drops the others in silence

RULES: dict[str, Rule] = {
    "seed": SEED,
    "reward": TEXT,
    "loss": TEXT,
    "words": Each(TEXT),
    "select": Maybe(TEXT),
    "updates": TEXT,
    "signals": TEXT,
    "scorers": TEXT,
    "models": TEXT,
    "data_dir": TEXT,
    "data.path": TEXT,
    "data.train": TEXT,
    "data.test": TEXT,
    "data.held_out": Range(low=0, high=1, above=True, below=True),
    "data.prompt": TEXT,
    "data.demonstrations": TEXT,
    "data.instruction": TEXT,
    "data.format": OneOf(FORMATS),
    "data.template_options": TEXT,
    "data.shots": whole(0),
    "data.shots_from": TEXT,
    "data.shot": TEXT,
    "data.too_long": OneOf(("drop", "refuse")),
    "model.name": TEXT,
    "model.tokenizer": TEXT,
    "model.num_layers": whole(0),
    "model.width": whole(0),
    "model.num_heads": whole(0),
    "model.ffn": whole(0),
    "model.dtype": OneOf(("float32", "bfloat16")),
    "model.matmul_precision": OneOf(("", *PRECISIONS)),
    "model.layers": OneOf(tuple(LAYERS)),
    "model.lora.rank": whole(0),
    "model.lora.alpha": POSITIVE,
    "model.lora.targets": Each(OneOf(MATRICES)),
    "model.init_from": TEXT,
    "warmup.steps": whole(0),
    "warmup.batch_size": whole(1),
    "warmup.lr": POSITIVE,
    "warmup.micro_batches": whole(1),
    "rollout.num_prompts": whole(1),
    "rollout.num_generations": whole(1),
    "rollout.max_prompt_length": whole(0),
    "rollout.max_completion_length": whole(1),
    "rollout.temperature": NOT_NEGATIVE,
    "rollout.top_k": whole(0),
    "rollout.top_p": Range(low=0, high=1, above=True),
    "rollout.stop": Each(TEXT),
    "rollout.on_host": FLAG,
    "rollout.branching.roots": whole(0),
    "rollout.branching.rounds": whole(1),
    "rollout.branching.turns": Each(whole(0)),
    "rollout.branching.rule": OneOf(BRANCHING_RULES),
    "rollout.branching.weight": NUMBER,
    "rollout.branching.threshold": NUMBER,
    "rollout.continuations": whole(0),
    "optim.name": OneOf(OPTIMIZERS),
    "optim.lr": NOT_NEGATIVE,
    "optim.schedule": OneOf(SCHEDULES),
    "optim.warmup_steps": whole(0),
    "optim.b1": FRACTION,
    "optim.b2": FRACTION,
    "optim.weight_decay": NOT_NEGATIVE,
    "optim.max_grad_norm": NOT_NEGATIVE,
    "optim.micro_batches": whole(1),
    "train.max_steps": whole(1),
    "train.max_skipped": whole(1),
    "train.max_unrewarded": whole(1),
    "train.fail_on": Each(OneOf(("any", *DETECTORS))),
    "eval.every": whole(1),
    "eval.num_problems": whole(0),
    "eval.num_generations": whole(1),
    "eval.temperature": Maybe(NOT_NEGATIVE),  # 0 is greedy
    "log.completions_every": whole(1),
    "log.bundle_every": whole(0),
    "log.wandb": FLAG,
    "checkpoint.every": whole(1),
    "checkpoint.keep": whole(1),
    "mesh.driver": OneOf(DRIVERS),
    "mesh.devices": whole(0),
    "mesh.fsdp": whole(1),
    "task.name": Named(TASKS),
    "task.difficulty.train": whole(0),
    "task.difficulty.validation": whole(0),
    "task.difficulty.test": whole(0),
    "task.difficulty.min_terms": whole(2),
    "task.difficulty.max_terms": whole(2),
    "task.difficulty.max_operand": whole(1),
    "task.difficulty.hard_percent": whole(0, 100),
    "task.difficulty.hard_digits": whole(2, 3),
    "task.difficulty.min_hops": whole(2),
    "task.difficulty.max_hops": whole(2),
    "task.difficulty.distractors": whole(0),
    "task.difficulty.modules": whole(2),
    "task.difficulty.digits": whole(1),
    "task.difficulty.first_digits": whole(1),
    "task.difficulty.non_negative": FLAG,
    "task.difficulty.min_words": whole(1),
    "task.difficulty.max_words": whole(1),
    "task.difficulty.min_numbers": whole(2),
    "task.difficulty.max_numbers": whole(2),
    "task.difficulty.largest": whole(1),
    "task.difficulty.largest_target": whole(1),
    "task.difficulty.spare": whole(0),
    "task.noise.noise": SHARE,
    "task.noise.useless": SHARE,
    "task.noise.early": SHARE,
    "task.noise.waste": SHARE,
    "task.noise.skip": SHARE,
    "task.noise.wander": SHARE,
    "task.noise.wrong": SHARE,
    "task.noise.hasty": SHARE,
    "task.noise.mend": SHARE,
    "task.noise.spoil": SHARE,
    "task.noise.silent": SHARE,
}


def refused(config: ConfigDict) -> Iterator[str]:
    """A sentence for each key whose value is of another kind, or out of its range."""
    for name, value in config.hp.to_dict().items():
        if problem := _of_hyperparameter(name, value):
            yield problem
    for key, value in flat(config).items():
        rule = RULES.get(key) or _of_a_task(key)
        if problem := rule.problem(value):
            yield sentence(key, value, rule, problem)


def flat(config: ConfigDict) -> dict[str, Any]:
    """The values of a config by their dotted keys, hyperparameters apart."""
    whole_config = {k: v for k, v in config.to_dict().items() if k != "hp"}
    return flatten_dict(whole_config, sep=".")


def sentence(key: str, value: Any, rule: Rule, problem: str) -> str:
    """What is wrong with the value of a key."""
    said = " ".join(reprlib.repr(value).split())  # that of a group has lines
    if isinstance(rule, OneOf | Named):
        known = ", ".join(filter(None, rule.words))
        path = ", or write package.module:attribute" * isinstance(rule, Named)
        return f"{key}={said} is unknown; have {known}{path}"
    return f"{key}={said} must be {problem}"


def _of_a_task(key: str) -> Rule:
    """The rule of a key that only a task of one's own has."""
    return Range(whole=True) if key.startswith("task.difficulty.") else NUMBER


def _of_hyperparameter(name: str, value: Any) -> str:
    if value is None:
        return f"hp.{name} has no value; pass --config.hp.{name}=NUMBER"
    if isinstance(value, tuple | list):
        return next(filter(None, (_of_hyperparameter(name, x) for x in value)), "")
    plain = isinstance(value, bool | str) or is_whole(value) or is_number(value)
    said = reprlib.repr(value)
    return "" if plain else f"hp.{name}={said} must be a finite number"
