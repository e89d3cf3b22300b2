"""Pairs inside a prompt: which of its completions, or of their steps, is the better.

Pairs are [B, U, U], True where unit i of a prompt is chosen and unit j rejected: all
that there could be, most of them False, so that shapes never change.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core import masked
from rewardlab.core.types import Rollout, Sum
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives.objective import Metrics
from rewardlab.objectives.preference import Rows

Units = Float[Array, "B U"]
There = Bool[Array, "B U"]
Pairs = Bool[Array, "B U U"]


def every_pair(score: Units, there: There) -> Pairs:
    """Each unit of a higher score against each of a lower one; ties are no pair.

    scores (1, 0, 1) -> (0, 1) and (2, 1)
    """
    higher = score[:, :, None] > score[:, None]
    return higher & there[:, :, None] & there[:, None]


def best_and_worst(score: Units, there: There) -> Pairs:
    """The best unit against the worst, the first of equals; none if all are equal.

    scores (1, 2, 2) -> (1, 0)
    """
    most = jnp.argmax(jnp.where(there, score, -jnp.inf), axis=1)
    least = jnp.argmin(jnp.where(there, score, jnp.inf), axis=1)
    places = jnp.arange(score.shape[1])
    one = (places == most[:, None])[:, :, None] & (places == least[:, None])[:, None]
    return one & every_pair(score, there)


WHICH: dict[str, Callable[[Units, There], Pairs]] = {
    "all": every_pair,
    "best_worst": best_and_worst,
}


class Steps(NamedTuple):
    """The steps of all rows of a prompt, G S of them in the order of their rows."""

    score: Units  # its mean over the rows that pass through it
    first: There  # the step is there, and no row before this one shares it
    parent: Int[Array, "B U"]  # the node that it follows; -1 is the prompt


def steps_of(
    node: Int[Array, "N T"],
    score: Float[Array, "N S"],
    there: Bool[Array, " N"],
    rollout: Rollout,
) -> Steps:
    """The steps of a tree of rollouts, and how good each is.

    `node` is an id of the step that each token belongs to, equal in all rows of a
    prompt that share it.
    """
    steps = score.shape[1]
    seen = rollout.mask & there[:, None]
    own = _at_steps(node, seen, rollout, steps)
    here = _at_steps(jnp.ones_like(node), seen, rollout, steps) > 0
    start = jnp.full(own.shape[:1], -1, own.dtype)[:, None]
    before = lax.cummax(jnp.where(here, jnp.arange(steps), -1), axis=1)
    before = jnp.concatenate([start, before[:, :-1]], axis=1)
    parent = jnp.take_along_axis(own, jnp.maximum(before, 0), axis=1)
    parent = jnp.where(before < 0, -1, parent)
    flat = lambda x: masked.by_prompt(x, rollout).reshape(rollout.prompts.shape[0], -1)  # noqa: E731
    own, parent, here = flat(own), flat(parent), flat(here)
    same = (own[:, :, None] == own[:, None]) & here[:, :, None] & here[:, None]
    rows = flat(jnp.where(there[:, None], score, 0))
    mean = masked.row_mean(jnp.broadcast_to(rows[:, None], same.shape), same)
    earlier = jnp.tril(jnp.ones(same.shape[1:], bool), -1)
    return Steps(mean, here & ~jnp.any(same & earlier, axis=2), parent)


def scored_steps(
    rollout: Rollout, by: str, steps: int
) -> tuple[Float[Array, "N S"], Bool[Array, " N"]]:
    """A score of each of `steps` steps, and the rows that have one.

    An outcome [N] is that of all steps of its row; of a signal of steps [N, S] each has
    its own, 0 beyond the last column.
    """
    value = rollout.signal(by)
    if value.ndim == 1:
        score, there = (x.reshape(-1) for x in scored(rollout, by))
        return jnp.broadcast_to(score[:, None], (len(score), steps)), there
    more = max(steps - value.shape[1], 0)
    wide = jnp.pad(value, ((0, 0), (0, more)))[:, :steps]
    return wide, jnp.any(rollout.mask, axis=1)


def siblings(steps: Steps) -> Pairs:
    """Steps that follow one node, the better against the worse; shared ones once."""
    together = steps.parent[:, :, None] == steps.parent[:, None]
    return every_pair(steps.score, steps.first) & together


def sum_of_steps(
    x: Float[Array, "N T"], rollout: Rollout, steps: int
) -> Float[Array, "N S"]:
    """The sum over the True tokens of each step."""
    column = jnp.where(rollout.mask, rollout.step, steps)  # beyond the last: dropped
    rows = jnp.arange(x.shape[0])[:, None]
    empty = jnp.zeros((x.shape[0], steps), x.dtype)
    return empty.at[rows, column].add(jnp.where(rollout.mask, x, 0), mode="drop")


def _at_steps(
    x: Int[Array, "N T"], where: Bool[Array, "N T"], rollout: Rollout, steps: int
) -> Int[Array, "N S"]:
    """The greatest number of each step's tokens where they are; 0 without any."""
    column = jnp.where(where, rollout.step, steps)
    rows = jnp.arange(x.shape[0])[:, None]
    return jnp.zeros((x.shape[0], steps), x.dtype).at[rows, column].max(x, mode="drop")


def rows_of(stats: TokenStats, rollout: Rollout, ref: str) -> Rows:
    """The log-probs that a preference reads; `ref` "" is the policy that sampled."""
    logp = jnp.where(rollout.mask, stats.logp, 0)
    base = inside(rollout, ref) if ref else jnp.where(rollout.mask, rollout.logp, 0)
    return Rows(logp, base, rollout.mask)


def inside(rollout: Rollout, name: str) -> Float[Array, "N T"]:
    """A signal of tokens, 0 on those that are not the policy's."""
    return jnp.where(rollout.mask, rollout.signal(name), 0)


def scored(rollout: Rollout, by: str) -> tuple[Units, There]:
    """The outcomes of each prompt's rows, and the rows that have one and a token."""
    score, there = masked.heard(rollout, by)
    score = jnp.where(there, score, 0)
    return masked.by_prompt(score, rollout), masked.by_prompt(there, rollout)


def gap_of(chosen: Units, rejected: Units) -> Float[Array, "B U U"]:
    """How far unit i, if it is chosen, is above unit j, if it is rejected."""
    return chosen[:, :, None] - rejected[:, None]


def told(
    name: str, each: Float[Array, "B U U"], gap: Float[Array, "B U U"], pairs: Pairs
) -> tuple[Sum, Metrics]:
    """The loss, and TRL's numbers of pairs: how many a prompt has, how wide they are
    apart, in how many the better row is the likelier one by now."""
    total, still = masked.sum_of(each, pairs), lax.stop_gradient(gap)
    prompts = jnp.asarray(1.0 * pairs.shape[0])
    return total, {
        f"{name}/pairs": Sum(total.count, prompts),
        f"{name}/gap": masked.sum_of(still, pairs),
        f"{name}/accuracy": masked.sum_of(1.0 * (still > 0), pairs),
    }
