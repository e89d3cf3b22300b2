"""Rewards that read text: Python functions on the host, with TRL's signature.

    f(prompts, completions, completion_ids=None, **columns) -> list[float | None]

A completion gets a value, or none, for one of three reasons that stay apart: the
function abstained (`None`), it failed, or it ran out of time. None of them is a zero.
"""

import math
import multiprocessing.connection
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from absl import logging
from jaxtyping import Bool, Float

from rewardlab.models.tokenizers import CharTokenizer
from rewardlab.tasks.columns import Columns, prompt_texts
from rewardlab.tasks.forked import forked
from rewardlab.tasks.text_episodes import Failure, not_a_number
from rewardlab.types import Rollout


class TextReward(NamedTuple):
    """A reward function and how it is asked; it is called once for each batch.

    With `steps` = 0 it gives a number for each completion, else a list with a number
    for each step, of which the first `steps` count; `None` in place of either abstains.

    Without a time limit the function runs here, so it may keep state and use devices.
    With one it runs in a forked process that is killed at the limit, so a hang ends,
    even in C code, and what the function remembers is lost.
    """

    name: str
    function: Callable[..., list]
    steps: int = 0
    time_limit: float = math.inf  # seconds a batch
    stop_on_failure: bool = False


def host_signal(
    reward: TextReward, tokenizer: CharTokenizer
) -> Callable[[Rollout, Columns], Rollout]:
    """A function that adds the reward's signals to a rollout, given its B columns.

    - `name` [N], or [N, steps], and `name_valid` of the same shape: False if none.
    - `name_error`, `name_timeout` [N]: why the rest, unless the function abstained.

    An error is an exception, or for its row a value that is no finite number. The first
    is logged. With `stop_on_failure`, errors and time-outs raise `RuntimeError`.
    """

    def add(rollout: Rollout, columns: Columns) -> Rollout:
        answers = _ask(reward, _questions(rollout, columns, tokenizer))
        n = rollout.tokens.shape[0]
        if isinstance(answers, list) and len(answers) != n:
            reason = f"it gave {len(answers)} values for {n} completions"
            answers = Failure(False, reason)
        late = isinstance(answers, Failure) and answers.timed_out
        if isinstance(answers, Failure):
            reasons, answers = [answers.reason] * n, [None] * n
        else:
            reasons = [_complaint(answer, reward.steps) for answer in answers]
        value, valid = _arrays(answers, reasons, reward.steps)
        _report(reward, reasons)
        failed = np.array([reason != "" for reason in reasons])
        signals = {"": value, "_valid": valid}
        signals |= {"_error": failed & (not late), "_timeout": failed & late}
        return rollout.with_signals(
            **{reward.name + suffix: jnp.asarray(x) for suffix, x in signals.items()}
        )

    return add


def _questions(
    rollout: Rollout, columns: Columns, tokenizer: CharTokenizer
) -> dict[str, list]:
    """The arguments of the function: lists with an entry for each completion."""
    tokens, valid, group = jax.device_get(
        (rollout.tokens, rollout.valid, rollout.group)
    )
    prompts = prompt_texts(columns, tokenizer)
    ids = [row[real].tolist() for row, real in zip(tokens, valid, strict=True)]
    facts = {
        name: np.asarray(column)[group].tolist()
        for name, column in columns.items()
        if name not in ("prompts", "prompt_mask")
    }
    return {
        "prompts": [prompts[row] for row in group],
        "completions": [tokenizer.decode(row) for row in ids],
        "completion_ids": ids,
        **facts,
    }


def _ask(reward: TextReward, questions: dict[str, list]) -> list | Failure:
    if math.isinf(reward.time_limit):
        return _call(reward.function, questions)
    try:
        with forked(_tell, reward.function, questions) as pipe:
            if not pipe.poll(reward.time_limit):
                return Failure(True, f"it took more than {reward.time_limit} s")
            return pipe.recv()
    except EOFError:
        return Failure(False, "its process ended without an answer")


def _tell(
    pipe: multiprocessing.connection.Connection,
    function: Callable[..., list],
    questions: dict[str, list],
) -> None:
    pipe.send(_call(function, questions))


def _call(function: Callable[..., list], questions: dict[str, list]) -> list | Failure:
    try:
        return list(function(**questions))
    except Exception as error:  # whatever a user's function raises
        return Failure(False, f"{type(error).__name__}: {error}")


def _complaint(answer: Any, steps: int) -> str:
    """What is wrong with the answer for one completion; nothing for a good one."""
    if answer is None:
        return ""
    if steps and not isinstance(answer, list | tuple):
        return f"{answer!r} is not a list with a number for each step"
    for number in answer if steps else [answer]:
        if not_a_number(number):
            return f"{number!r} is not a finite number"
    return ""


def _arrays(
    answers: list, reasons: list[str], steps: int
) -> tuple[Float[np.ndarray, "N *S"], Bool[np.ndarray, "N *S"]]:
    value = np.zeros((len(answers), max(steps, 1)), np.float32)
    valid = np.zeros(value.shape, bool)
    for row, (answer, reason) in enumerate(zip(answers, reasons, strict=True)):
        if answer is None or reason:
            continue
        for column, number in enumerate(answer[:steps] if steps else [answer]):
            if number is not None:
                value[row, column], valid[row, column] = number, True
    return (value, valid) if steps else (value[:, 0], valid[:, 0])


def _report(reward: TextReward, reasons: list[str]) -> None:
    failures = [reason for reason in reasons if reason]
    if not failures:
        return
    what = (
        f"the reward {reward.name!r} failed for {len(failures)} of {len(reasons)} "
        f"completions, first because: {failures[0]}"
    )
    if reward.stop_on_failure:
        raise RuntimeError(
            f"{what}; mend it, or set stop_on_failure=False to let failures abstain"
        )
    logging.warning("%s", what)
