"""Rewards that read text: Python functions on the host, with TRL's signature.

    f(prompts, completions, completion_ids=None, **columns) -> list[float | None]

It may be `async`, or a generator, and give anything that is a number. A completion gets
a value, or none, for one of three reasons that stay apart: the function abstained
(`None`), it failed, or it ran out of time. None of them is a zero.

Texts are strings; a completion of a prompt of messages is a list of one message. Of an
episode they are messages, as TRL has them where a model talks with tools, so that
nobody's words count as another's:

    prompt      [{"role": "user", "content": "3+4="}]
    completion  [{"role": "assistant", "content": "?3+4\n"},
                 {"role": "tool", "content": "7\n"}, ...]

`completion_ids` are all its tokens then, and `completion_mask` says which of them the
policy wrote.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from absl import logging
from jaxtyping import Array, Bool, Float

from rewardlab.core.types import Rollout
from rewardlab.data.batch import Batch
from rewardlab.data.columns import ASKED, prompt_texts
from rewardlab.scorers.protocol import Scorer
from rewardlab.system.answers import Failure, NoAnswer, Row, ask
from rewardlab.text.stops import completed
from rewardlab.text.tokenizers import Tokenizer

SUFFIXES = ("", "_valid", "_error", "_timeout")  # of a signal, and what goes with it


class TextReward(NamedTuple):
    """A reward function and how it is asked; it is called once for each batch.

    With `steps` = 0 it gives a number for each completion, else a list with a number
    for each step, of which the first `steps` count; `None` in place of either abstains.

    Without a time limit the function runs here, so it may keep state and use devices.
    With one it runs in a forked process that is killed at the limit, so a hang ends,
    even in C code, and what the function remembers is lost.
    """

    name: str
    function: Callable[..., Any]
    steps: int = 0
    time_limit: float = math.inf  # seconds a batch
    stop_on_failure: bool = False


def text_scorer(reward: TextReward, tokenizer: Tokenizer) -> Scorer:
    """The reward as a scorer on the host; it gives, for the completions of a batch,

    - `name` [N], or [N, steps], and `name_valid` of the same shape: False if none.
    - `name_error`, `name_timeout` [N]: why the rest, unless the function abstained.

    An error is an exception, or for its row a value that is no finite number. The first
    is logged. With `stop_on_failure`, errors and time-outs raise `NoAnswer`.
    """

    def score(
        state: Any, context: Any, rollout: Rollout, batch: Batch
    ) -> dict[str, Array]:
        asked = questions(rollout, batch, tokenizer)
        answers = ask(reward.function, asked, reward.steps, reward.time_limit)
        if isinstance(answers, Failure):
            answers = [answers] * rollout.tokens.shape[0]
        report(reward.name, answers, reward.stop_on_failure)
        return signals_of(reward.name, answers, reward.steps)

    name, shape = reward.name, f"N{reward.steps}" if reward.steps else "N"
    provides = {name: shape, f"{name}_valid": shape}
    provides |= {f"{name}_error": "N", f"{name}_timeout": "N"}
    return Scorer(name, provides, (), "host", score)


def questions(rollout: Rollout, batch: Batch, tokenizer: Tokenizer) -> dict[str, list]:
    """The arguments of the function: lists with an entry for each completion."""
    columns = batch.columns
    if taken := sorted(set(ASKED).intersection(columns)):
        raise ValueError(
            f"the data have a column {taken[0]!r}, as an argument of text rewards is "
            "called; give it another name"
        )
    host = jax.device_get((rollout.tokens, rollout.valid, rollout.mask, rollout.step))
    tokens, valid, mask, step = map(np.asarray, host)
    group = np.asarray(jax.device_get(rollout.group))
    rows = [np.flatnonzero(row) for row in valid]
    ids = [tokens[n, at].tolist() for n, at in enumerate(rows)]
    prompts = batch.facts.get("prompts") or prompt_texts(batch.arrays, tokenizer)
    prompts = [prompts[row] for row in group]
    asked: dict[str, list] = {"completion_ids": ids}
    if "ended_by" in rollout.signals or (valid & ~mask).any():  # an episode
        own = [mask[n, at].tolist() for n, at in enumerate(rows)]
        turns = [step[n, at].tolist() for n, at in enumerate(rows)]
        asked["completions"] = [
            _messages(*row, tokenizer) for row in zip(ids, own, turns, strict=True)
        ]
        asked["completion_mask"] = own
        prompts = [_as_messages("user", prompt) for prompt in prompts]
    else:
        texts = [completed(tokenizer, row) for row in ids]
        asked["completions"] = [  # as the prompt is: text, or messages
            text if isinstance(prompt, str) else _as_messages("assistant", text)
            for text, prompt in zip(texts, prompts, strict=True)
        ]
    facts = {
        name: np.asarray(column)[group].tolist()
        for name, column in batch.arrays.items()
        if name not in ("prompts", "prompt_mask")
    }
    facts |= {name: [x[row] for row in group] for name, x in batch.facts.items()}
    return {**facts, "prompts": prompts, **asked}


def _as_messages(role: str, said: Any) -> Any:
    return [{"role": role, "content": said}] if isinstance(said, str) else said


def _messages(
    ids: list[int], own: list[bool], turns: list[int], tokenizer: Tokenizer
) -> list[dict[str, str]]:
    """What the policy wrote in each turn, and what it was answered."""
    pieces = itertools.groupby(
        zip(ids, own, turns, strict=True), key=lambda token: token[1:]
    )
    said = [(mine, [token for token, *_ in piece]) for (mine, _), piece in pieces]
    return [
        {"role": "assistant", "content": completed(tokenizer, piece)}
        if mine
        else {"role": "tool", "content": tokenizer.decode(piece)}
        for mine, piece in said
    ]


def signals_of(
    name: str, answers: Sequence[Row | Failure], steps: int = 0
) -> dict[str, Array]:
    """What the answers are, as arrays: `name` and its _valid, _error and _timeout."""
    value, valid = _arrays(answers, steps)
    failed = [isinstance(answer, Failure) for answer in answers]
    late = [isinstance(answer, Failure) and answer.timed_out for answer in answers]
    signals = {"": value, "_valid": valid}
    signals["_error"] = np.array(failed, bool) & ~np.array(late, bool)
    signals["_timeout"] = np.array(late, bool)
    return {name + suffix: jnp.asarray(x) for suffix, x in signals.items()}


def _arrays(
    answers: Sequence[Row | Failure], steps: int
) -> tuple[Float[np.ndarray, "N *S"], Bool[np.ndarray, "N *S"]]:
    value = np.zeros((len(answers), max(steps, 1)), np.float32)
    valid = np.zeros(value.shape, bool)
    for row, answer in enumerate(answers):
        if answer is None or isinstance(answer, Failure):
            continue
        numbers = answer if isinstance(answer, list) else [answer]
        for column, x in enumerate(numbers):
            if x is not None:
                value[row, column], valid[row, column] = x, True
    return (value, valid) if steps else (value[:, 0], valid[:, 0])


def report(name: str, answers: Sequence[Row | Failure], stop: bool = False) -> None:
    """Logs the first failure among the answers; `NoAnswer` for it, with `stop`."""
    failures = [answer for answer in answers if isinstance(answer, Failure)]
    if not failures:
        return
    what = (
        f"the reward {name!r} failed for {len(failures)} of {len(answers)} "
        f"completions, first because: {failures[0].reason}"
    )
    if stop:
        raise NoAnswer(
            f"{what}; mend it, or set stop_on_failure=False to let failures abstain"
        )
    logging.warning("%s", what)
