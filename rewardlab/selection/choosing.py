"""Words of `select` that choose problems, by what was seen of them."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core import masked
from rewardlab.core.intervals import need
from rewardlab.core.types import Rollout, SignalName, Static
from rewardlab.selection import curriculum
from rewardlab.selection.brings import (
    Brings,
    Entered,
    Learnt,
    Told,
    own_rows,
    rows_of,
    with_prompts,
    with_rows,
)
from rewardlab.selection.groups import counts, group_mean, group_std, solved, task_value


class Seen(NamedTuple):
    """Of each problem, when its rows were last sampled."""

    mean: Float[Array, " M"]
    std: Float[Array, " M"]
    most: Float[Array, " M"]  # the greatest there ever was
    visits: Int[Array, " M"]


@dataclasses.dataclass(frozen=True)
class Choose(Brings):
    """A word that takes the problems of a batch from `among` times as many.

    `weight(seen)` says how much each is wanted; one that was never seen weighs 1.
    """

    signal: str
    weight: Callable[[Seen], Float[Array, " C"]]
    among: int

    def init(self, shapes: Rollout, arrays: Mapping[str, Any], problems: int) -> Any:
        zero = jnp.zeros(problems)
        return Seen(zero, zero, zero, jnp.zeros(problems, jnp.int32))

    def chosen(self, state: Seen, told: Told, size: int) -> Int[Array, " size"]:
        """Which of the candidates, in their order, none twice."""
        seen = jax.tree.map(lambda x: x[told.place], state)
        weight = jnp.where(seen.visits > 0, self.weight(seen), 1.0)
        noise = jax.random.gumbel(told.key, weight.shape)
        score = jnp.log(jnp.maximum(weight, 1e-30)) + noise
        return jnp.sort(jax.lax.top_k(score, size)[1])

    def store(
        self,
        state: Seen,
        told: Told,
        rollout: Rollout,
        arrays: dict[str, Array],
        learnt: Learnt,
    ) -> Seen:
        value, there = masked.heard(rollout, self.signal)
        own, prompts = there & own_rows(rollout), rollout.prompts.shape[0]
        group = jnp.where(own, rollout.group, prompts)  # the last, of no prompt
        value = jnp.where(own, value, 0)
        mean, std = (f(value, group, prompts + 1) for f in (group_mean, group_std))
        top = jax.ops.segment_max(value, group, prompts + 1)
        some = counts(group, prompts + 1)[:prompts] > 0
        size = len(state.visits)
        place = jnp.where(some, told.place, size)  # out of bounds is left out
        before = state.most[told.place]
        first = state.visits[told.place] == 0
        best = jnp.where(first, top[:prompts], jnp.maximum(before, top[:prompts]))
        new = (mean[:prompts], std[:prompts], best)
        put = lambda old, now: old.at[place].set(now, mode="drop")  # noqa: E731
        visits = state.visits.at[place].add(1, mode="drop")
        mean, std, most = map(put, state[:3], new)
        return Seen(mean, std, most, visits)


@dataclasses.dataclass(frozen=True)
class ReplaceFlat(Brings):
    """See `replace_flat`."""

    signal: str
    best: float

    def enter(
        self,
        state: Any,
        told: Told,
        rollout: Rollout,
        arrays: dict[str, Array],
        dropped: Bool[Array, " B"],
    ) -> Entered:
        value, there = masked.heard(rollout, self.signal)
        prompts, n = rollout.prompts.shape[0], rollout.mask.shape[0]
        group = jnp.where(there, rollout.group, prompts)
        value = jnp.where(there, value, 0)
        worth = task_value(value, group, prompts + 1, self.best)[:prompts]
        flat = group_std(value, group, prompts + 1)[:prompts] == 0
        source = curriculum.replace_flat(told.key, worth, flat)
        each = n // prompts
        row = (source[:, None] * each + jnp.arange(each)).reshape(-1)
        rows = jax.tree.map(lambda x: x[row], rows_of(rollout))
        copied = with_rows(rollout, jnp.ones(n, bool), rows)
        asked = rollout.prompts[source], rollout.prompt_mask[source]
        return Entered(with_prompts(copied, *asked), source)


def replace_flat(signal: SignalName, best: float = 1.0) -> Brings:
    """Prompts whose `signal` is equal in all rows make room for others of the batch.

    Which others is drawn by (best - mean) std of their `signal`; their rows count
    twice. Of prompts with verdicts (1, 0), (1, 1) the second becomes a copy of the
    first. (VSPO, arXiv 2512.07478; its clip for prompts that come twice is unknown)
    """
    return ReplaceFlat(signal, best)


def prefer_valuable(
    signal: SignalName, best: float = 1.0, among: Static[int] = 2
) -> Brings:
    """Takes the problems of a batch from `among` times as many, by (best - mean) std.

    What a problem's rows were when they were last sampled; one that is always solved,
    or never, comes only where nothing else is left. (value of VSPO, arXiv 2512.07478)
    """
    return _choose(signal, among, lambda seen: (best - seen.mean) * seen.std)


def prefer_middling(
    signal: SignalName,
    target: float = 0.5,
    width: float = 0.125,
    among: Static[int] = 2,
) -> Brings:
    """Takes the problems of a batch from `among` times as many, by how near their last
    mean was to `target`: exp(-(mean - target)^2 / (2 width^2)).

    With width 1 / n it is the weight of ExGRPO's buckets of problems of which k of n
    rows were right, exp(-(k - n / 2)^2 / 2).
    """
    need("prefer_middling", "(0, inf)", width=width)

    def weight(seen: Seen) -> Float[Array, " C"]:
        return jnp.exp(-(((seen.mean - target) / width) ** 2) / 2)

    return _choose(signal, among, weight)


def prefer_hard(
    signal: SignalName, temperature: float = 1.0, among: Static[int] = 2
) -> Brings:
    """Takes the problems of a batch from `among` times as many, each with a chance that
    falls with its last mean: exp((0.5 - mean) / temperature).

    (VLA-RL, arXiv 2505.18719; its temperature is not given)
    """

    def weight(seen: Seen) -> Float[Array, " C"]:
        chance = curriculum.easiest_last(seen.mean, temperature)
        return chance / jnp.max(chance)

    return _choose(signal, among, weight)


def leave_solved(signal: SignalName, at: float = 0.9, among: Static[int] = 2) -> Brings:
    """Takes the problems of a batch from `among` times as many, without those of which
    the share `at` was solved when they were last sampled, as long as others are left.

    (RAPO, arXiv 2509.24107, which drops them at the end of an epoch)
    """

    def weight(seen: Seen) -> Float[Array, " C"]:
        return jnp.where(solved(seen.mean, at), 0.0, 1.0)

    return _choose(signal, among, weight)


def _choose(
    signal: str, among: int, weight: Callable[[Seen], Float[Array, " C"]]
) -> Brings:
    need("a choice of problems", "[2, inf)", among=among)
    return Choose(signal, weight, among)
