"""Batches that no one thinks of, and that every run meets one day."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from rewardlab.core.types import Rollout
from rewardlab.testing.laws import changed


def empty(rollout: Rollout) -> Rollout:
    """No row has a token."""
    nothing = np.zeros_like(np.asarray(rollout.mask))
    return _with(rollout, mask=nothing, valid=nothing, step=np.where(nothing, 0, -1))


def padded(rollout: Rollout) -> Rollout:
    """All but the first row are empty."""
    first = np.arange(len(rollout.mask))[:, None] == 0
    return _only(rollout, first)


def alone(rollout: Rollout) -> Rollout:
    """Every row is the only one of its prompt."""
    n = len(rollout.mask)
    return _with(
        rollout,
        prompts=np.zeros((n, rollout.prompts.shape[1]), np.int32),
        prompt_mask=np.ones((n, rollout.prompts.shape[1]), bool),
        group=np.arange(n, dtype=np.int32),
    )


def one_token(rollout: Rollout) -> Rollout:
    """Every row has one token."""
    first = np.zeros_like(np.asarray(rollout.mask))
    first[:, 0] = True
    return _with(rollout, mask=first, valid=first, step=np.where(first, 0, -1))


def environment_only(rollout: Rollout) -> Rollout:
    """The environment wrote all tokens of every other row."""
    own = np.arange(len(rollout.mask))[:, None] % 2 == 0
    return _with(rollout, mask=rollout.mask & own)


def all_equal(rollout: Rollout) -> Rollout:
    """Every signal says the same everywhere."""
    signals = {k: np.full_like(x, x.ravel()[0]) for k, x in rollout.signals.items()}
    return changed(rollout, **signals)


def nothing_said(rollout: Rollout) -> Rollout:
    """Whatever may abstain does, in every row."""
    silent = {
        k: np.zeros_like(x) for k, x in rollout.signals.items() if k.endswith("_valid")
    }
    return changed(rollout, **silent)


def _with(rollout: Rollout, **fields: Any) -> Rollout:
    return dataclasses.replace(rollout, **fields)


def _only(rollout: Rollout, rows: Any) -> Rollout:
    mask, valid = rollout.mask & rows, rollout.valid & rows
    return _with(
        rollout, mask=mask, valid=valid, step=np.where(valid, rollout.step, -1)
    )


DEGENERATE: dict[str, Callable[[Rollout], Rollout]] = {
    "no tokens at all": empty,
    "one row and empty ones": padded,
    "groups of one": alone,
    "one token a row": one_token,
    "tokens of the environment only": environment_only,
    "all signals equal": all_equal,
    "every signal abstains": nothing_said,
}
