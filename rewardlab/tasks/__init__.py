"""Tasks: prompts, and what is true of completions."""

import reprlib
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, NamedTuple

from jaxtyping import Array

from rewardlab.core.lookup import look_up
from rewardlab.core.types import Rollout
from rewardlab.data.columns import Columns, Episodes
from rewardlab.tasks.arithmetic import data as arithmetic_data
from rewardlab.tasks.arithmetic import verifier as arithmetic
from rewardlab.tasks.calculator import data as calculator_data
from rewardlab.tasks.calculator import environment as calculator
from rewardlab.tasks.calculator import text as calculator_text
from rewardlab.tasks.environment import Environment, TextEnvironment
from rewardlab.tasks.search import data as search_data
from rewardlab.tasks.search import environment as search
from rewardlab.tasks.search import text as search_text
from rewardlab.tasks.text_episodes import HostEnvironment
from rewardlab.tasks.workflow import data as workflow_data
from rewardlab.tasks.workflow import environment as workflow
from rewardlab.tasks.workflow import text as workflow_text
from rewardlab.text.tokenizers import CharTokenizer


class Task(NamedTuple):
    """Everything that training needs to know of a task.

    `load(split, data_dir, **difficulty)` gives columns with `prompts` [M, P],
    `prompt_mask` and a unique `id`; splits are "train", "validation" and "test".
    `score(rollout, columns)` takes the columns of the batch's B prompts, is jitted, and
    adds `signals` to the rollout; `correct` [N] is the true outcome, 0 or 1.
    `demonstrations(columns, seed, length, **how)` are episodes to imitate. With an
    `environment` a completion is an episode of turns, and the environment makes the
    signals; `score` may add some.
    """

    tokenizer: CharTokenizer
    load: Callable[..., Columns]
    completion_length: int = 64  # default T, in tokens
    signals: tuple[str, ...] = ()  # made by `score` or the environment
    score: Callable[[Rollout, dict[str, Array]], Rollout] | None = None
    demonstrations: Callable[..., Episodes] | None = None
    difficulty: Mapping[str, int] = {}  # keyword options of `load`, with defaults
    noise: Mapping[str, float] = {}  # likewise of `demonstrations`
    environment: Environment | None = None
    on_host: HostEnvironment | None = None  # one in Python, of the same name


def _on_host(module: ModuleType, twin: TextEnvironment) -> HostEnvironment:
    """The twin of an environment on the device, with the same limits and signals."""
    limits, tokenizer = module.ENVIRONMENT.limits, module.TOKENIZER
    return HostEnvironment(twin, limits, tokenizer, module.REWARDS, module.OUTCOMES)


TASKS = {
    "arithmetic": Task(
        tokenizer=arithmetic.TOKENIZER,
        completion_length=32,
        signals=arithmetic.SIGNALS,
        difficulty=arithmetic_data.DIFFICULTY,
        noise=arithmetic_data.NOISE,
        load=arithmetic_data.load,
        score=arithmetic.score,
        demonstrations=arithmetic_data.demonstrations,
    ),
    "search": Task(
        tokenizer=search.TOKENIZER,
        completion_length=search.COMPLETION_LENGTH,
        signals=search.REWARDS + search.OUTCOMES,
        difficulty=search_data.DIFFICULTY,
        noise=search_data.NOISE,
        load=search_data.load,
        score=search.score,
        demonstrations=search_data.demonstrations,
        environment=search.ENVIRONMENT,
        on_host=_on_host(search, search_text.ENVIRONMENT),
    ),
    "workflow": Task(
        tokenizer=workflow.TOKENIZER,
        completion_length=workflow.COMPLETION_LENGTH,
        signals=workflow.REWARDS + workflow.OUTCOMES,
        difficulty=workflow_data.DIFFICULTY,
        noise=workflow_data.NOISE,
        load=workflow_data.load,
        score=workflow.score,
        demonstrations=workflow_data.demonstrations,
        environment=workflow.ENVIRONMENT,
        on_host=_on_host(workflow, workflow_text.ENVIRONMENT),
    ),
    "calculator": Task(
        tokenizer=calculator.TOKENIZER,
        completion_length=calculator.COMPLETION_LENGTH,
        signals=calculator.REWARDS + calculator.OUTCOMES,
        difficulty=calculator_data.DIFFICULTY,
        noise=calculator_data.NOISE,
        load=calculator_data.load,
        score=calculator.score,
        demonstrations=calculator_data.demonstrations,
        environment=calculator.ENVIRONMENT,
        on_host=_on_host(calculator, calculator_text.ENVIRONMENT),
    ),
}


def task_named(name: Any) -> Task:
    """The task of a built-in name, of a path, or itself; `ValueError` for no task."""
    found = look_up(name, "task", TASKS)
    if not isinstance(found, Task):
        raise ValueError(
            f"task {name!r} is {reprlib.repr(found)}, which is no Task; name a "
            "rewardlab.tasks.Task, or with brackets a function that gives one"
        )
    return found
