"""Rows that come from elsewhere: what a word of `select` that brings them is told.

    sample -> first scorers -> rows enter -> other scorers -> estimate -> step -> store

A row that enters keeps its tokens, its `logp` and what was true of it when it was
sampled; other signals are made anew. N and the layout never change.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core import masked
from rewardlab.core.types import Rollout

Rows = dict[str, Any]  # by field: [rows, ...]
FIELDS = ("tokens", "mask", "valid", "step", "logp")


class Told(NamedTuple):
    """What a word is told beside its state; all of it is traced."""

    key: Array
    iteration: Int[Array, ""]
    place: Int[Array, " B"]  # the number of each prompt's problem in the data


class Learnt(NamedTuple):
    """What an update made of the rows."""

    reward: Float[Array, " N"]  # of the sentence, before any baseline
    advantage: Float[Array, "N T"]


class Entered(NamedTuple):
    """A rollout with rows from elsewhere; `source` are the places that its prompts
    stood in before, `arrays` what else is now true of its problems."""

    rollout: Rollout
    source: Int[Array, " B"] | None = None
    arrays: dict[str, Array] = {}


class Brings:
    """A word of `select` that brings rows in, or problems; alone it keeps every row."""

    among: int = 1  # so many times the problems of a batch are there to choose from

    def __call__(self, rollout: Rollout) -> Bool[Array, " N"]:
        """Which rows are learned from."""
        return jnp.any(rollout.mask, axis=1)

    def init(self, shapes: Rollout, arrays: Mapping[str, Any], problems: int) -> Any:
        """A state, from shapes of a rollout and of the problems that there are."""
        return ()

    def enter(
        self,
        state: Any,
        told: Told,
        rollout: Rollout,
        arrays: dict[str, Array],
        dropped: Bool[Array, " B"],
    ) -> Entered:
        """Rows in the place of others; `dropped` prompts lost theirs to words before.

        `arrays` are the batch's.
        """
        return Entered(rollout)

    def store(
        self,
        state: Any,
        told: Told,
        rollout: Rollout,
        arrays: dict[str, Array],
        learnt: Learnt,
    ) -> Any:
        """The next state, from an iteration's own rows."""
        return state


def rows_of(rollout: Rollout, like: Rows | None = None) -> Rows:
    """What is kept of each row: its fields and its signals [N, ...], those that rows
    `like` these have."""
    n = rollout.mask.shape[0]
    fields = {name: getattr(rollout, name) for name in FIELDS}
    marks = ("born", "hinted", "expert", "recalled", "recalled_valid", "sampled")
    of_prompt = ("greedy", *marks)  # or of how it came here
    signals = {
        name: x
        for name, x in rollout.signals.items()
        if x.shape[:1] == (n,) and name not in of_prompt
    }
    if like is not None:
        signals = {name: signals[name] for name in like["signals"]}
    return {**fields, "signals": signals}


def with_rows(
    rollout: Rollout, where: Bool[Array, " N"], rows: Rows, **marks: Array
) -> Rollout:
    """The rollout with other rows where it says so, and marks [N] of what they are."""

    def put(new: Array, old: Array) -> Array:
        return jnp.where(where.reshape(-1, *[1] * (old.ndim - 1)), new, old)

    there = rows_of(rollout)
    signals = {k: put(x, there["signals"][k]) for k, x in rows["signals"].items()}
    for name, mark in marks.items():
        before = rollout.signals.get(name, _usual(name, rollout))
        signals[name] = jnp.where(where, mark, before)
    fields = {name: put(rows[name], there[name]) for name in FIELDS}
    replaced: Any = {**fields, "signals": {**rollout.signals, **signals}}
    return dataclasses.replace(rollout, **replaced)


def with_prompts(rollout: Rollout, prompts: Array, mask: Array) -> Rollout:
    """The same rows under other prompts."""
    asked: Any = {"prompts": jnp.asarray(prompts), "prompt_mask": jnp.asarray(mask)}
    return dataclasses.replace(rollout, **asked)


def _usual(name: str, rollout: Rollout) -> Array:
    """The mark of a row that the policy has just sampled."""
    n = rollout.mask.shape[0]
    if name == "born":
        return jnp.broadcast_to(rollout.iteration, n)
    return jnp.zeros(n, jnp.float32 if name == "recalled" else bool)


def compared_with(rollout: Rollout, logp: Float[Array, "N T"]) -> Rollout:
    """The rollout with these old log-probs; rows from elsewhere keep their own."""
    logp = jnp.where(masked.borrowed(rollout)[:, None], rollout.logp, logp)
    return dataclasses.replace(rollout, logp=logp)


def own_rows(rollout: Rollout) -> Bool[Array, " N"]:
    """Rows that the policy has just sampled from their prompt."""
    return masked.sampled(rollout) & ~masked.borrowed(rollout)


def empty(rows: Any, size: int) -> Any:
    """Room for `size` rows like these, or groups of them."""

    def room(x: Any) -> Array:
        return jnp.zeros((size, *x.shape[1:]), jax.dtypes.canonicalize_dtype(x.dtype))

    return jax.tree.map(room, rows)
