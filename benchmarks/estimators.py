"""Every row of METHODS as a compiled estimator with made-up signals."""

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr
from jax.interpreters import partial_eval

from rewardlab import METHODS, Rollout, estimator
from rewardlab.core.signals import SIGNALS

GROUP, STEPS, REFERENCES = 8, 4, 10
# One token, or member of a group, after another; sums to go are products.
FOLLOWS = ("scan", "while", "cumsum", "cummax", "cummin", "dot_general")


@dataclasses.dataclass(frozen=True)
class Case:
    """An estimator of rows x tokens, its rollout and the least bytes that it moves."""

    traced: Any  # of `jax.jit`
    rollout: Rollout
    moved: int
    recursion: bool
    sorts: bool

    @property
    def copied(self) -> int:
        """Bytes of a float32 array of rows x tokens."""
        return 4 * self.rollout.mask.size

    @property
    def program(self) -> str:
        """What is computed: the same for rows that differ in their losses only."""
        return str(self.traced.jaxpr)


def case(name: str, rows: int, tokens: int) -> Case:
    """The row of METHODS on ragged rows of tokens with the signals that it reads."""
    method = METHODS[name]
    signals = {k: _signal(k, rows, tokens) for k in method.reads}
    rollout = dataclasses.replace(_rollout(rows, tokens), signals=signals)
    sentence = method.build()
    closed = estimator(sentence)

    def advantage(rollout: Rollout) -> jax.Array:
        return closed.update({}, sentence.init(rollout), rollout)[0]

    traced = jax.jit(advantage).trace(rollout)
    _, used = partial_eval.dce_jaxpr(traced.jaxpr.jaxpr, [True])
    leaves = jax.tree.leaves(rollout)
    read = sum(x.nbytes for x, is_read in zip(leaves, used, strict=True) if is_read)
    long = {
        equation.primitive.name
        for equation in _equations(traced.jaxpr.jaxpr)
        if max((v.aval.size for v in equation.outvars), default=0) >= rows * tokens
    }
    return Case(
        traced,
        rollout,
        read + 4 * rows * tokens,
        recursion=any(name in FOLLOWS for name in long),
        sorts="sort" in long,
    )


def _equations(jaxpr: Jaxpr) -> Iterator[Any]:
    for equation in jaxpr.eqns:
        yield equation
        for value in jax.tree.leaves(list(equation.params.values())):
            if isinstance(value, (Jaxpr, ClosedJaxpr)):
                yield from _equations(getattr(value, "jaxpr", value))


@functools.cache
def _signal(name: str, rows: int, tokens: int) -> jax.Array:
    """As `rewardlab.core.signals.made` has it; nobody abstains."""
    letters = {"N": rows, "S": STEPS, "T": tokens, "R": REFERENCES}
    letters |= {"V": STEPS + 1, "K": 5, "C": 6}
    shape = tuple(letters[letter] for letter in SIGNALS[name].shape)
    return jnp.asarray(SIGNALS[name].draw(np.random.default_rng(0), shape))


@functools.cache
def _rollout(rows: int, tokens: int) -> Rollout:
    """Ragged rows without holes, of 1/2 to all tokens, each cut into equal steps."""
    rng = np.random.default_rng(0)
    length = rng.integers(tokens // 2, tokens + 1, rows)
    valid = np.arange(tokens) < length[:, None]
    step = np.where(valid, np.arange(tokens) * STEPS // tokens, -1)
    return Rollout(
        prompts=jnp.zeros((rows // GROUP, 4), jnp.int32),
        prompt_mask=jnp.ones((rows // GROUP, 4), bool),
        group=jnp.arange(rows, dtype=jnp.int32) // GROUP,
        tokens=jnp.zeros((rows, tokens), jnp.int32),
        mask=jnp.asarray(valid),
        valid=jnp.asarray(valid),
        step=jnp.asarray(step, jnp.int32),
        logp=-jnp.asarray(rng.exponential(size=(rows, tokens)), jnp.float32),
        signals={},
        iteration=jnp.zeros((), jnp.int32),
    )
