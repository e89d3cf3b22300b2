"""Made-up rollouts: ragged rows, holes of environment tokens, every signal."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from rewardlab.core.signals import SIGNALS, Signal, made
from rewardlab.core.types import Rollout


def ragged(
    seed: int = 0,
    prompts: int = 3,
    samples: int = 4,
    tokens: int = 12,
    steps: int = 4,
    holes: bool = True,
) -> Rollout:
    """A rollout of prompts * samples rows, of which some are short and one is empty.

    Each row is cut into 1..steps steps; with `holes`, the last token of about half of
    the steps before the last comes from the environment. Signals: `correct` [N] in
    {0, 1}, `score` [N], `ref_score` [N, 10], `prm` and `belief` [N, steps] in (0, 1),
    `dense` and `ref_logp` [N, tokens]; the others of `SIGNALS` are drawn as there.
    """
    rng = np.random.default_rng(seed)
    n = prompts * samples
    valid = np.zeros((n, tokens), bool)
    mask = np.zeros((n, tokens), bool)
    step = np.full((n, tokens), -1)
    for i in range(n):
        length = 0 if i == n - 1 else int(rng.integers(1, tokens + 1))
        count = int(rng.integers(1, steps + 1))
        cuts = np.sort(rng.choice(np.arange(1, tokens), count - 1, replace=False))
        valid[i, :length] = mask[i, :length] = True
        step[i, :length] = np.searchsorted(cuts, np.arange(length), side="right")
        for cut in cuts[cuts < length] if holes else ():
            first = cut == 1 or step[i, cut - 2] != step[i, cut - 1]
            mask[i, cut - 1] = first or bool(rng.random() < 0.5)
    logp = -rng.exponential(size=(n, tokens))
    signals = {
        "correct": rng.integers(0, 2, n).astype(float),
        "score": rng.normal(size=n),
        "ref_score": rng.normal(size=(n, 10)),
        "prm": rng.uniform(size=(n, steps)),
        "belief": rng.uniform(size=(n, steps)),
        "dense": rng.normal(size=(n, tokens)),
        "ref_logp": -rng.exponential(size=(n, tokens)),
    }
    others = made(rng, n, tokens, steps)
    others = {k: v for k, v in others.items() if k in SIGNALS}  # nothing abstains
    group = np.repeat(np.arange(prompts), samples)
    return from_arrays(mask, group, step, valid, logp, **{**others, **signals})


def batch(
    seed: int = 0,
    rows: int = 16,
    tokens: int = 12,
    steps: int = 4,
    table: Mapping[str, Signal] = SIGNALS,
) -> Rollout:
    """As `ragged`, without its order: groups of any size, often one of a single row,
    rows that abstain, ties everywhere; steps begin with a token of the policy.

    `table` says which signals there are and of what shape: `batch(table={**SIGNALS,
    "mine": Signal("N", "what it is", share)})` has one more.
    """
    rng = np.random.default_rng(seed)
    length = rng.integers(0, tokens + 1, rows)
    valid = np.arange(tokens) < length[:, None]
    cuts = (rng.random((rows, tokens)) < 0.3) & (np.arange(tokens) > 0)
    step = np.minimum(np.cumsum(cuts, axis=1), steps - 1)
    first = np.concatenate([np.ones((rows, 1), bool), np.diff(step) > 0], axis=1)
    prompts = max(rows // 4, 1)
    group = rng.integers(0, prompts - rng.integers(2) * (prompts > 1), rows)
    group[:prompts] = np.arange(prompts)
    return from_arrays(
        valid & (first | (rng.random((rows, tokens)) < 0.7)),
        group=group,
        step=np.where(valid, step, -1),
        valid=valid,
        logp=-rng.exponential(size=(rows, tokens)),
        **made(rng, rows, tokens, steps, table=table),
    )


def from_arrays(
    mask: Any,
    group: Any = None,
    step: Any = None,
    valid: Any = None,
    logp: Any = None,
    **signals: Any,
) -> Rollout:
    """A rollout of these rows; one group, one step and no environment unless said.

    `from_arrays([[1, 1, 0]], correct=[1.0])` is one completion of two tokens, right. It
    holds NumPy arrays, which loops read a hundred times faster than JAX's, in JAX's
    default precision at the time of the call.
    """
    mask = np.asarray(mask, bool)
    n, width = mask.shape
    valid = mask if valid is None else np.asarray(valid, bool)
    group = np.zeros(n, int) if group is None else np.asarray(group)
    count = int(group.max(initial=0)) + 1
    fields: dict[str, Any] = {
        "prompts": np.zeros((count, 3), np.int32),
        "prompt_mask": np.ones((count, 3), bool),
        "group": as_jax(group),
        "tokens": np.zeros((n, width), np.int32),
        "mask": mask,
        "valid": valid,
        "step": as_jax(np.where(valid, 0, -1) if step is None else step),
        "logp": as_jax(np.zeros((n, width)) if logp is None else logp),
        "signals": {k: as_jax(v) for k, v in signals.items()},
        "iteration": np.zeros((), np.int32),
    }
    return Rollout(**fields)


def as_jax(x: Any) -> Any:
    """A NumPy array in the type that JAX would give it: 32 bits, or 64 under `x64`."""
    x = np.asarray(x)
    kind = np.int32 if x.dtype.kind in "iu" else x.dtype
    return x.astype(jax.dtypes.canonicalize_dtype(kind))
