"""What is true of a row or a step, and the error of what a judge has said of it."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core import masked
from rewardlab.core.types import Rollout, Sum
from rewardlab.reward_models.judging import agreement, rank_agreement
from rewardlab.scorers.asking import UNREADABLE

# A label in [0, 1], or a verdict, and where there is one.
Truth = tuple[Float[Array, "..."], Bool[Array, "..."]]


def truth_of(rollout: Rollout, name: str) -> Truth:
    """A label in [0, 1] of each row; of a signal of steps whether all are right."""
    value = rollout.signal(name)
    valid = masked.speaks(rollout, name)
    if value.ndim == 2:
        right = jnp.all((value > 0.5) | ~valid, axis=1)
        holes = 0 * jnp.sum(jnp.where(valid, value, 0), axis=1)  # NaN stays NaN
        value, valid = right + holes, jnp.any(valid, axis=1)
    return jnp.where(valid, value, 0), valid & jnp.any(rollout.mask, axis=1)


def labels(rollout: Rollout, truth: str) -> Truth:
    """A label in [0, 1] of each step, [N, S], and where there is one."""
    value = rollout.signal(truth)
    last = jnp.max(jnp.where(rollout.mask, rollout.step, -1), axis=1, keepdims=True)
    exists = jnp.arange(value.shape[1])[None] <= last
    valid = rollout.signals.get(f"{truth}_valid", exists)
    return jnp.where(valid, value, 0), valid


def measured(
    said: Truth,
    truth: Truth,
    group: Int[Array, " N"],
    there: Bool[Array, " N"],
    calls: int,
) -> dict[str, Sum]:
    """The error of what a judge has said, and where it is heard, as sums.

    `calls` are the answers that were asked for, `unread` the share of those there that
    say nothing.
    """
    (value, heard), (label, known) = said, truth
    verdict = jnp.where(heard, (value > 0.5).astype(jnp.int32), UNREADABLE)
    right, known = (label > 0.5).astype(jnp.float32), there & known
    told = agreement(verdict, right, known)
    told |= rank_agreement(value, label, known & heard, group)
    none = jnp.zeros(())
    told["unread"] = masked.sum_of((~heard).astype(jnp.float32), there)
    return {**told, "calls": Sum(none + calls, none)}  # a total, not a mean


def of_rows(
    rollout: Rollout, signal: str, truth: Truth, draws: int = 1
) -> dict[str, Sum]:
    """`measured` of a signal of rows."""
    value, rows = rollout.signal(signal), jnp.any(rollout.mask, axis=1)
    heard = rollout.signals.get(f"{signal}_valid", rows)
    calls = draws * len(value)
    return measured((value, heard), truth, rollout.group, rows, calls)


def of_parts(
    rollout: Rollout, said: Truth, truth: Truth, draws: int = 1
) -> dict[str, Sum]:
    """`measured` of a signal of steps or criteria, each part of a prompt for itself."""
    shape = truth[0].shape
    flat = lambda x: jnp.broadcast_to(x, shape).reshape(-1)  # noqa: E731
    group = rollout.group[:, None] * shape[1] + jnp.arange(shape[1])
    (value, heard), (label, known) = said, truth
    case = (flat(value), flat(heard)), (flat(label), flat(known))
    return measured(*case, flat(group), flat(known), draws * shape[0])
