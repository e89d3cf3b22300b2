"""Tasks: prompts, and what is true of completions."""

import functools
import reprlib
from pathlib import Path
from types import ModuleType
from typing import Any

from ml_collections import ConfigDict

from rewardlab.core.lookup import look_up
from rewardlab.data.formats import stops_of
from rewardlab.models.lm import CONFIGS
from rewardlab.models.shapes import folder_of
from rewardlab.tasks.arithmetic import data as arithmetic_data
from rewardlab.tasks.arithmetic import rewritten as rewritten_sums
from rewardlab.tasks.arithmetic import verifier as arithmetic
from rewardlab.tasks.calculator import data as calculator_data
from rewardlab.tasks.calculator import environment as calculator
from rewardlab.tasks.calculator import text as calculator_text
from rewardlab.tasks.chain_sum import data as chain_sum
from rewardlab.tasks.countdown import data as countdown
from rewardlab.tasks.environment import TextEnvironment
from rewardlab.tasks.files import DATA
from rewardlab.tasks.find_box import data as find_box
from rewardlab.tasks.letter_counting import data as letter_counting
from rewardlab.tasks.questions import question_task
from rewardlab.tasks.reverse_text import data as reverse_text
from rewardlab.tasks.search import data as search_data
from rewardlab.tasks.search import environment as search
from rewardlab.tasks.search import text as search_text
from rewardlab.tasks.second_try import data as second_try_data
from rewardlab.tasks.second_try import environment as second_try
from rewardlab.tasks.second_try import text as second_try_text
from rewardlab.tasks.task import Task
from rewardlab.tasks.text_episodes import HostEnvironment
from rewardlab.tasks.think_solve import data as think_solve_data
from rewardlab.tasks.think_solve import environment as think_solve
from rewardlab.tasks.think_solve import text as think_solve_text
from rewardlab.tasks.tool_calls import data as tool_calls
from rewardlab.tasks.turned_words import data as turned_words
from rewardlab.tasks.workflow import data as workflow_data
from rewardlab.tasks.workflow import environment as workflow
from rewardlab.tasks.workflow import text as workflow_text
from rewardlab.text.folder import read_tokenizer
from rewardlab.text.stops import stopping
from rewardlab.text.tokenizers import CharTokenizer, Tokenizer


def _on_host(module: ModuleType, twin: TextEnvironment) -> HostEnvironment:
    """The twin of an environment on the device, with the same limits and signals."""
    limits, tokenizer = module.ENVIRONMENT.limits, module.TOKENIZER
    return HostEnvironment(twin, limits, tokenizer, module.REWARDS, module.OUTCOMES)


def _of_turns(module: ModuleType, data: ModuleType, text: ModuleType) -> Task:
    """A task of episodes: its environment, its problems, its twin on the host."""
    return Task(
        tokenizer=module.TOKENIZER,
        completion_length=module.COMPLETION_LENGTH,
        signals=module.REWARDS + module.OUTCOMES,
        difficulty=data.DIFFICULTY,
        noise=data.NOISE,
        load=data.load,
        score=module.score,
        demonstrations=data.demonstrations,
        environment=module.ENVIRONMENT,
        on_host=_on_host(module, text.ENVIRONMENT),
    )


ARITHMETIC = Task(
    tokenizer=arithmetic.TOKENIZER,
    completion_length=32,
    signals=arithmetic.SIGNALS,
    facts=("reference",),
    difficulty=arithmetic_data.DIFFICULTY,
    noise=arithmetic_data.NOISE,
    load=arithmetic_data.load,
    score=arithmetic.score,
    segment=arithmetic.segment,
    demonstrations=arithmetic_data.demonstrations,
)
TASKS: dict[str, Task] = {
    "arithmetic": ARITHMETIC,
    "rewritten_sums": ARITHMETIC._replace(
        facts=("reference", "pair"), load=rewritten_sums.load
    ),
    "search": _of_turns(search, search_data, search_text),
    "workflow": _of_turns(workflow, workflow_data, workflow_text),
    "calculator": _of_turns(calculator, calculator_data, calculator_text),
    "second_try": _of_turns(second_try, second_try_data, second_try_text),
    "think_solve": _of_turns(think_solve, think_solve_data, think_solve_text)._replace(
        agents=think_solve.AGENTS
    ),
    "chain_sum": question_task(chain_sum, "exact('answer')", 16, ("answer",)),
    "letter_counting": question_task(
        letter_counting, "exact('answer')", 16, ("answer",)
    ),
    "countdown": question_task(countdown, "countdown('nums', 'target')", 256),
    "reverse_text": question_task(
        reverse_text, "exact('answer') | likeness('answer')", 64, ("answer",)
    ),
    "turned_words": question_task(turned_words, "exact('answer')", 24, ("turn",)),
    "find_box": question_task(find_box, "exact('answer')", 48, ("box", "difficulty")),
    "tool_calls": question_task(tool_calls, "exact('answer')", 192, ("calls",)),
    "data": DATA,
}


def task_of(config: ConfigDict) -> Task:
    """The task of a config: its sources, its format of prompts, its ends, and in the
    tokens of its model, where that brings a tokenizer."""
    task, tokenizer = task_named(config.task.name), tokenizer_of(config)
    if task.of_data is not None:
        if stops := config.rollout.stop or stops_of(config.data):
            known = tokenizer or task.of_data(config.data, None).tokenizer
            tokenizer = stopping(known, stops)
        return task.of_data(config.data, tokenizer)._replace(of_data=task.of_data)
    if tokenizer is not None and isinstance(task.tokenizer, CharTokenizer):
        texts = ", ".join(name for name, one in TASKS.items() if one.of_data)
        raise ValueError(
            f"task.name={config.task.name!r} is written in characters of its own, and "
            f"model.name={config.model.name!r} brings another tokenizer; use a task of "
            f"text ({texts}), or one of the shapes {', '.join(CONFIGS)}"
        )
    return task._replace(tokenizer=stopping(task.tokenizer, config.rollout.stop))


def tokenizer_of(config: ConfigDict) -> Tokenizer | None:
    """The tokenizer that the config names, or that lies beside the model's weights."""
    if given := config.model.tokenizer:
        path = Path(given).expanduser()
        found = path if path.is_dir() else look_up(given, "tokenizer", {})
        return found if not isinstance(found, Path) else _read(found)
    return tokenizer_beside(config.model.name)


def tokenizer_beside(name: str) -> Tokenizer | None:
    """The tokenizer in the folder that a model's name stands for, if it is one."""
    folder = folder_of(name)
    return _read(folder) if folder else None


def _read(folder: Path) -> Tokenizer:
    """That of a folder, read once as long as its files stay as they are."""
    files = sorted([*folder.glob("*.json"), *folder.glob("**/*.jinja")])
    return _read_once(folder, tuple(file.stat().st_mtime_ns for file in files))


@functools.lru_cache(4)
def _read_once(folder: Path, changed: tuple[int, ...]) -> Tokenizer:
    return read_tokenizer(folder)


def task_named(name: Any) -> Task:
    """The task of a built-in name, of a path, or itself; `ValueError` for no task."""
    found = look_up(name, "task", TASKS)
    if not isinstance(found, Task):
        raise ValueError(
            f"task {name!r} is {reprlib.repr(found)}, which is no Task; name a "
            "rewardlab.tasks.Task, or with brackets a function that gives one"
        )
    return found
