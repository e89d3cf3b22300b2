"""Scorers of what a run has already: the task's verdicts, and second names."""

from collections.abc import Callable, Iterable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from rewardlab.core.signals import SIGNALS
from rewardlab.core.types import Rollout
from rewardlab.data.batch import Batch
from rewardlab.scorers.protocol import Context, Scorer

Score = Callable[[Rollout, dict[str, Array]], Rollout]


def task_verifier(score: Score, signals: Iterable[str]) -> Scorer:
    """What a task's own `score(rollout, columns)` says of completions."""

    def ask(
        state: Any, context: Context, rollout: Rollout, batch: Batch
    ) -> dict[str, Array]:
        return score(rollout, batch.arrays).signals

    return Scorer("task", shapes_of(signals), (), "batch", ask)


def alias(read: str, made: str) -> Scorer:
    """The signal `made` under the name `read` too, with where it is valid."""

    def ask(
        state: Any, context: Context, rollout: Rollout, batch: Batch
    ) -> dict[str, Array]:
        value = rollout.signal(made)
        found, valid = {read: value}, rollout.signals.get(f"{made}_valid")
        if valid is None and f"{read}_valid" in rollout.signals:  # another signal's
            valid = jnp.ones(value.shape, bool)
        return found if valid is None else {**found, f"{read}_valid": valid}

    shape = shapes_of([made])[made]
    return Scorer(f"{read}={made}", {read: shape}, (made,), "batch", ask)


def played(signals: Iterable[str]) -> Scorer:
    """The sampler: what it alone knows, or gets for nothing, of what it has drawn.

    It has run before any scorer is asked; which of these it makes, the plan has said.
    """

    def ask(*_: Any) -> dict[str, Array]:
        return {}

    provides, private = shapes_of(signals), ("hidden",)
    return Scorer("sampler", provides, (), "sample", ask, private=private)


def shapes_of(signals: Iterable[str]) -> dict[str, str]:
    """The shapes of signals that the table knows; others are a number a row."""
    return {n: SIGNALS[n].shape if n in SIGNALS else "N" for n in signals}
