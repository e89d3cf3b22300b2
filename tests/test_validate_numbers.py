"""One table says what every key may be, and what is not in it is refused."""

import math
import re

import numpy as np
import pytest

from rewardlab.runs.config import default_config, use_reward
from rewardlab.runs.validate import RULES, validate
from rewardlab.runs.validate.numbers import flat
from rewardlab.tasks import TASKS

NOT_NUMBERS = (math.nan, math.inf, -math.inf, None, "1", (1,), {})
NOT_WHOLE = (*NOT_NUMBERS, 10**400, 0.5, True, 2**31, -(2**31))
BELOW_0, BELOW_1, NOT_A_SHARE = (-1,), (0, -1), (-0.1, 1.1)
OUT_OF_RANGE = {
    "seed": (*NOT_WHOLE[:-2], -1, 2**32, 2**40),
    "optim.lr": (*NOT_NUMBERS, -1e-4, 0.0, 1e-300),
    "warmup.lr": (*NOT_NUMBERS, -1e-4, 0.0, 1e39, 1e-300),
    "rollout.temperature": (*NOT_NUMBERS, -1.0, 0.0, 1e-9),
    "rollout.top_p": (*NOT_NUMBERS, 0.0, -0.5, 1.5),
    "eval.temperature": (math.nan, math.inf, "1", -0.1),
    "optim.b1": (*NOT_NUMBERS, -0.1, 1.0),
    "optim.b2": (*NOT_NUMBERS, -0.1, 1.0, 1.5),
    "optim.weight_decay": (*NOT_NUMBERS, -0.1),
    "optim.max_grad_norm": (*NOT_NUMBERS, -1.0),
    "rollout.branching.weight": NOT_NUMBERS,
    "rollout.branching.turns": (2, (1.5,), (-1,), "12", None),
    "rollout.branching.rule": ("entropy", None, 1, {}),
    "task.noise.noise": (*NOT_NUMBERS, *NOT_A_SHARE),
    "task.noise.useless": (*NOT_NUMBERS, *NOT_A_SHARE),
    "task.difficulty.max_operand": (*NOT_WHOLE, 0),
    "rollout.on_host": (1, 0, None, "yes"),
    "model.layers": (1, "scan", None),
    "log.wandb": (1, None),
    "model.dtype": ("float16", None, 32, {}),
    "model.name": ("XL", None, [], {}),
    "task.name": ("chess", None, [], {}, 10**400),
    "scorers": (("module:function",), 3, None),
    "data_dir": (None, 3),
    "data.held_out": (*NOT_NUMBERS, 0.0, 1.0),
    "data.too_long": ("cut", None),
    "reward": (None, 3, {}),
    "loss": (None, 3, {}),
    "updates": (None, 3, {}),
    "optim": (None, 3, "adamw"),
}
for key in ("warmup.steps", "rollout.top_k", "optim.warmup_steps", "mesh.devices"):
    OUT_OF_RANGE[key] = (*NOT_WHOLE, *BELOW_0)
for key in ("task.difficulty.train", "task.difficulty.validation"):
    OUT_OF_RANGE[key] = (*NOT_WHOLE, *BELOW_0)
for key in ("eval.num_problems", "rollout.max_prompt_length", "model.width"):
    OUT_OF_RANGE[key] = (*NOT_WHOLE, *BELOW_0)
for key in ("rollout.continuations", "rollout.branching.roots"):
    OUT_OF_RANGE[key] = (*NOT_WHOLE, *BELOW_0)
for key in (
    "rollout.num_prompts",
    "rollout.num_generations",
    "rollout.max_completion_length",
    "optim.micro_batches",
    "warmup.batch_size",
    "warmup.micro_batches",
    "train.max_steps",
    "train.max_skipped",
    "train.max_unrewarded",
    "eval.every",
    "eval.num_generations",
    "log.completions_every",
    "checkpoint.every",
    "checkpoint.keep",
):
    OUT_OF_RANGE[key] = (*NOT_WHOLE, *BELOW_1)


def forced(key, value, task="arithmetic"):
    """A config in which the key has the value, whatever its type."""
    made = default_config(task)
    *groups, name = key.split(".")
    group = made
    for part in groups:
        group = group[part]
    with made.unlocked(), group.ignore_type():
        group[name] = value
    return made


@pytest.mark.parametrize("key", OUT_OF_RANGE)
def test_values_without_meaning_are_refused(key):
    """Whatever a value's type, NaN and infinities; the sentence names the key."""
    for value in OUT_OF_RANGE[key]:
        with pytest.raises(ValueError, match=re.escape(f"{key}=")) as error:
            validate(forced(key, value), devices=2)
        assert "\n" not in str(error.value) and len(str(error.value)) < 300


@pytest.mark.parametrize("task", TASKS)
def test_every_key_has_a_range(task):
    """A key that the table lacks would be accepted with any value."""
    keys = set(flat(default_config(task)))
    assert keys <= set(RULES)
    for key in keys:
        with pytest.raises(ValueError, match=re.escape(key)):
            validate(forced(key, object(), task), devices=2)


def test_no_rule_is_of_a_key_that_there_is_not():
    assert set(RULES) == {k for task in TASKS for k in flat(default_config(task))}


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e39, (0.1, math.nan)])
def test_hyperparameters_are_finite(value):
    made = default_config()
    use_reward(made, "process('prm') | softmin_credit(temperature=tau)")
    with made.hp.ignore_type():
        made.hp.tau = value
    with pytest.raises(ValueError, match="hp.tau=.* must be a finite number"):
        validate(made, devices=2)


@pytest.mark.parametrize("key", ["seed", "train.max_steps"])
def test_a_number_that_is_too_large_is_told_the_largest(key):
    largest = 2**32 - 1 if key == "seed" else 2**31 - 1
    with pytest.raises(ValueError, match=f"{key}=.* must be at most {largest}$"):
        validate(forced(key, 2**40), devices=2)


def test_numbers_of_numpy_are_numbers():
    made = default_config()
    for key, value in (("seed", np.int64(5)), ("mesh.devices", np.int32(1))):
        with made.ignore_type():
            made.update_from_flattened_dict({key: value})
    validate(made, devices=1)
    validate(forced("seed", 2**32 - 1), devices=1)
