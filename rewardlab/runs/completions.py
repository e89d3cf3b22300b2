"""What lines of a completions file hold: docs/completions.md has every key.

The schema's number goes up when a key is dropped or means something else; a reader
takes files of its own number and of those before.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from rewardlab.core.masked import step_ends
from rewardlab.core.types import Channels, Reward, Rollout
from rewardlab.text.stops import completed, pieces
from rewardlab.text.tokenizers import Tokenizer

SCHEMA = 2  # 1 had no number, no stages and no `kept`
NOT_FINITE = "not finite"  # in place of a number of a stage, where null is absence
ON = ("row", "row_tokens", "step", "step_tokens", "token")  # what channels are on
LISTS = ("step", "step_tokens", "token")  # of others, one number


class Worth(NamedTuple):
    """What a step's completions were worth, on the host (`jax.device_get`)."""

    advantage: Float[np.ndarray, "N T"]
    reward: Float[np.ndarray, " N"]  # NaN: none
    kept: Bool[np.ndarray, " N"]  # whether the learner saw it
    stages: Sequence[tuple[str, Channels]]  # after each word of the sentence


class Texts(NamedTuple):
    """A rollout as it is read."""

    prompts: list[str]  # of each of the B
    completions: list[str]  # of each of the N
    pieces: list[list[str]]  # what each valid token of a completion adds


def texts_of(rollout: Rollout, tokenizer: Tokenizer) -> Texts:
    """What prompts and completions say, of a rollout of the host."""
    asked = zip(rollout.prompts, rollout.prompt_mask, strict=True)
    given = zip(rollout.tokens, rollout.valid, strict=True)
    tokens = [row[valid].tolist() for row, valid in given]
    return Texts(
        [tokenizer.decode(row[mask].tolist()) for row, mask in asked],
        [completed(tokenizer, row) for row in tokens],
        [pieces(tokenizer, row) for row in tokens],
    )


def completion_lines(
    rollout: Rollout, worth: Worth, texts: Texts
) -> Iterator[dict[str, Any]]:
    """One record a completion, from a rollout of the host.

    Per-token lists hold the valid tokens only; `mask` says which of them the policy
    chose, `texts` what each adds to the text. A number that is not finite is null, as
    is the `reward` of a row without one.
    """
    per_token: dict[str, Any] = {
        "tokens": rollout.tokens,
        "mask": rollout.mask,
        "step_of_token": rollout.step,
        "logp": rollout.logp,
        "advantage": worth.advantage,
    }
    stages = [
        (word, {name: _cells(reward, rollout) for name, reward in channels.items()})
        for word, channels in worth.stages
    ]
    for n, prompt in enumerate(np.asarray(rollout.group)):
        valid = rollout.valid[n]
        prompt_tokens = rollout.prompts[prompt][rollout.prompt_mask[prompt]]
        signals = {name: values[n] for name, values in rollout.signals.items()}
        yield {
            "schema": SCHEMA,
            "row": n,
            "group": int(prompt),
            "prompt": texts.prompts[prompt],
            "completion": texts.completions[n],
            "reward": _listed(worth.reward[n]),
            "kept": bool(worth.kept[n]),
            "stages": [
                {"word": word, "channels": {k: x.of(n) for k, x in channels.items()}}
                for word, channels in stages
            ],
            "signals": {
                name: _listed(x[valid] if x.shape == valid.shape else x)
                for name, x in signals.items()
            },
            "prompt_tokens": _listed(prompt_tokens),
            "texts": texts.pieces[n],
            **{name: _listed(x[n][valid]) for name, x in per_token.items()},
        }


class _Cells(NamedTuple):
    """A channel as JSON has it: what its numbers are about, and one list a row."""

    on: str
    rows: list[list[Any]]

    def of(self, row: int) -> dict[str, Any]:
        value = self.rows[row]
        return {"on": self.on, "value": value if self.on in LISTS else value[0]}


def _cells(reward: Reward, rollout: Rollout) -> _Cells:
    """In the shortest way that says all: by row, by step, or by token."""
    placed, mask = np.asarray(reward.placed), np.asarray(rollout.mask)
    shown = np.asarray(reward.value)[placed].astype(str).astype(float).astype(object)
    shown[~np.isfinite(shown.astype(float))] = NOT_FINITE
    numbers = np.full(placed.shape, None, object)
    numbers[placed] = shown
    ends = np.asarray(step_ends(rollout))
    last = ends & (np.cumsum(ends, axis=1) == ends.sum(axis=1, keepdims=True))
    rows = [own[None] for own in mask]
    steps = [_steps(*x) for x in zip(mask, rollout.step, strict=True)]
    if not (placed & ~last).any():
        return _Cells("row", _firsts(numbers, rows, last))
    if _alike(numbers, rows):
        return _Cells("row_tokens", _firsts(numbers, rows, mask))
    if not (placed & ~ends).any():
        return _Cells("step", _firsts(numbers, steps, ends))
    if _alike(numbers, steps):
        return _Cells("step_tokens", _firsts(numbers, steps, mask))
    cut = zip(numbers, rollout.valid, strict=True)
    return _Cells("token", [x[valid].tolist() for x, valid in cut])


Spans = list[Bool[np.ndarray, "S T"]]  # of each row: where each of its steps is


def _steps(
    mask: Bool[np.ndarray, " T"], step: Int[np.ndarray, " T"]
) -> Bool[np.ndarray, "S T"]:
    """The policy's tokens of each step."""
    return mask & (step == np.arange(step.max(initial=-1) + 1)[:, None])


def _firsts(
    numbers: np.ndarray, spans: Spans, where: Bool[np.ndarray, "N T"]
) -> list[list[Any]]:
    """The first entry of each span of each row; None of one that has no place."""
    every = zip(numbers, spans, where, strict=True)
    return [[next(iter(x[s & w]), None) for s in span] for x, span, w in every]


def _alike(numbers: np.ndarray, spans: Spans) -> bool:
    """Whether all entries of each span of each row are the same, or all absent."""
    every = zip(numbers, spans, strict=True)
    return all(len({*x[s]}) < 2 for x, span in every for s in span)


def _listed(x: Any) -> Any:
    """An array as JSON has it, floats as short as their type allows."""
    x = np.asarray(x)
    if not np.issubdtype(x.dtype, np.floating):
        return x.tolist()
    values: Any = x.astype(str).astype(np.float64).astype(object)
    values[~np.isfinite(x)] = None
    return values.tolist()
