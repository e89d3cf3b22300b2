"""Which signals a transform reads, seen as it runs on shapes."""

import contextlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rewardlab.contrib import CONTRIB
from rewardlab.core.schedules import SCHEDULES
from rewardlab.core.signals import made
from rewardlab.core.tree import PIPE, Tree
from rewardlab.core.types import NoSignal, RewardTransform, Rollout, reading
from rewardlab.transforms import TRANSFORMS

ROWS, TOKENS, STEPS = 4, 6, 3
MOST = 20  # signals of one's own


def observed(transform: RewardTransform) -> set[str]:
    """The names that a transform asks its rollout for; nothing is computed.

    A name that nobody has described is taken for a number a row. What goes wrong for
    another reason ends the search: it is said where the transform is used.
    """
    rollout, found = _rollout(), set[str]()
    for _ in range(MOST):
        with reading() as read:
            try:
                _run(transform, rollout)
                return found | read
            except NoSignal as error:
                found |= read
                numbers = {error.name: jnp.zeros(ROWS)}
                rollout = rollout.with_signals(**numbers)
            except Exception:  # whatever a word of a person's own raises
                return found | read
    return found


def foreign(transform: RewardTransform) -> bool:
    """Whether a part of it is no word of the library, so that its tree may lack what it
    reads."""
    return transform.tree is None or _foreign(transform.tree)


def _foreign(value: Any) -> bool:
    if isinstance(value, RewardTransform):
        return foreign(value)
    if not isinstance(value, Tree):
        return False
    known = value.word == PIPE or value.make in KNOWN
    return not known or any(map(_foreign, value.values))


KNOWN = {*TRANSFORMS.values(), *CONTRIB.values(), *SCHEDULES.values()}


def _run(transform: RewardTransform, rollout: Rollout) -> None:
    def whole(rollout: Rollout) -> None:
        transform.update({}, transform.init(rollout), rollout)

    with contextlib.suppress(jax.errors.ConcretizationTypeError):
        jax.eval_shape(whole, rollout)


def _rollout() -> Rollout:
    rng, places = np.random.default_rng(0), np.ones((ROWS, TOKENS))
    signals = made(rng, ROWS, TOKENS, STEPS)
    return Rollout(
        prompts=jnp.zeros((2, 2), jnp.int32),
        prompt_mask=jnp.ones((2, 2), bool),
        group=jnp.arange(ROWS, dtype=jnp.int32) // 2,
        tokens=jnp.zeros((ROWS, TOKENS), jnp.int32),
        mask=jnp.asarray(places, bool),
        valid=jnp.asarray(places, bool),
        step=jnp.asarray(places * (np.arange(TOKENS) // 2), jnp.int32),
        logp=jnp.asarray(-places, jnp.float32),
        signals={name: jnp.asarray(x) for name, x in signals.items()},
        iteration=jnp.zeros((), jnp.int32),
    )
