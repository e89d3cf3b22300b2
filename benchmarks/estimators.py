"""Every row of METHODS as a compiled estimator with made-up signals."""

import dataclasses
import itertools
from collections.abc import Callable, Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.interpreters import partial_eval

from rewardlab import METHODS, Method, Rollout, estimator

GROUP, STEPS, REFERENCES = 8, 8, 10
SMALL = (16, 24)  # rows and tokens on which the shapes of signals are found
SLOW = ("returns_to_go", "gae(", "min_to_go", "energy", "cumul")  # words that recur


@dataclasses.dataclass(frozen=True)
class Case:
    """A compiled estimator, its rollout and the least bytes that it moves."""

    name: str
    run: Callable[[Rollout], Any]
    rollout: Rollout
    moved: int
    recursion: bool


def cases(
    rows: int, tokens: int, only: Iterable[str] | None
) -> tuple[list[Case], dict[str, str]]:
    """The estimators whose signals can be made up, and why others are left out."""
    found, skipped = [], {}
    for name in only or METHODS:
        letters = _shapes(METHODS[name])
        if letters is None:
            skipped[name] = f"no made-up signals fit {METHODS[name].reads}"
            continue
        found.append(_case(name, _rollout(rows, tokens, letters)))
    return found, skipped


def _case(name: str, rollout: Rollout) -> Case:
    closed = estimator(METHODS[name].build())

    def advantage(rollout: Rollout) -> jax.Array:
        return closed.update({}, closed.init(rollout), rollout)[0]

    jaxpr = jax.make_jaxpr(advantage)(rollout).jaxpr
    _, used = partial_eval.dce_jaxpr(jaxpr, [True])
    leaves = jax.tree.leaves(rollout)
    read = sum(x.nbytes for x, is_read in zip(leaves, used, strict=True) if is_read)
    moved = read + 4 * rollout.mask.size
    recursion = any(word in METHODS[name].sentence for word in SLOW)
    return Case(name, jax.jit(advantage), rollout, moved, recursion)


def _shapes(method: Method) -> dict[str, str] | None:
    """For each signal, the first shape with which the sentence can be compiled."""
    closed = estimator(method.build())
    for letters in itertools.product(("N", "NS", "NT", "NR"), repeat=len(method.reads)):
        found = dict(zip(method.reads, letters, strict=True))
        try:
            closed.init(_rollout(*SMALL, found))
            return found
        except (ValueError, TypeError, IndexError):
            continue
    return None


def _rollout(rows: int, tokens: int, letters: dict[str, str]) -> Rollout:
    """Ragged rows without holes, of 1/2 to all tokens, each cut into equal steps."""
    rng = np.random.default_rng(0)
    length = rng.integers(tokens // 2, tokens + 1, rows)
    valid = np.arange(tokens) < length[:, None]
    step = np.where(valid, np.arange(tokens) * STEPS // tokens, -1)
    sizes = {"N": rows, "S": STEPS, "T": tokens, "R": REFERENCES}
    signals = {
        name: jnp.asarray(rng.random([sizes[c] for c in shape]), jnp.float32)
        for name, shape in letters.items()
    }
    return Rollout(
        prompts=jnp.zeros((rows // GROUP, 4), jnp.int32),
        prompt_mask=jnp.ones((rows // GROUP, 4), bool),
        group=jnp.arange(rows, dtype=jnp.int32) // GROUP,
        tokens=jnp.zeros((rows, tokens), jnp.int32),
        mask=jnp.asarray(valid),
        valid=jnp.asarray(valid),
        step=jnp.asarray(step, jnp.int32),
        logp=-jnp.asarray(rng.exponential(size=(rows, tokens)), jnp.float32),
        signals=signals,
        iteration=jnp.zeros((), jnp.int32),
    )
