"""Words of `select` that bring back rows of the same problem: RAPO's and R^3's."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from rewardlab.core import masked
from rewardlab.core.intervals import need
from rewardlab.core.types import Rollout, SignalName, Static
from rewardlab.selection import replay
from rewardlab.selection.brings import (
    Brings,
    Entered,
    Learnt,
    Told,
    empty,
    own_rows,
    rows_of,
    with_rows,
)


@dataclasses.dataclass(frozen=True)
class ReplaySolved(Brings):
    """See `replay_solved`."""

    signal: str
    above: float
    most: int | None

    def init(self, shapes: Rollout, arrays: Mapping[str, Any], problems: int) -> Any:
        return _shelf(shapes, problems)

    def enter(
        self,
        state: Any,
        told: Told,
        rollout: Rollout,
        arrays: dict[str, Array],
        dropped: Bool[Array, " B"],
    ) -> Entered:
        value, there = masked.heard(rollout, self.signal)
        have = _fresh(state["born"][told.place], told.iteration, self.most)
        failed = jnp.where(there, value, -jnp.inf)
        groups = rollout.group, have, self.above
        out = replay.to_replace(told.key, failed, *groups)
        slot = told.place[rollout.group]
        rows = jax.tree.map(lambda x: x[slot], state["rows"])
        return Entered(with_rows(rollout, out, rows, born=state["born"][slot]))

    def store(
        self,
        state: Any,
        told: Told,
        rollout: Rollout,
        arrays: dict[str, Array],
        learnt: Learnt,
    ) -> Any:
        value, there = masked.heard(rollout, self.signal)
        keep = there & own_rows(rollout) & (value > self.above)
        return _written(state, told, rollout, told.place[rollout.group], keep)


@dataclasses.dataclass(frozen=True)
class ReplayOpposite(Brings):
    """See `replay_opposite`."""

    signal: str
    rows: int
    above: float
    most: int | None

    def init(self, shapes: Rollout, arrays: Mapping[str, Any], problems: int) -> Any:
        return _shelf(shapes, problems * 2 * self.rows)

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
        per, each = 2 * self.rows, n // prompts
        slots = (told.place[:, None] * per + jnp.arange(per)).reshape(-1)
        have = _fresh(state["born"][slots], told.iteration, self.most)
        number = jnp.repeat(jnp.arange(prompts), per)
        right = jnp.tile(jnp.arange(per) >= self.rows, prompts)
        choose, place = jax.random.split(told.key)
        index, found = replay.opposite(
            choose,
            value > self.above,
            jnp.where(there, rollout.group, prompts),
            right,
            jnp.where(have, number, prompts),
            prompts,
            min(self.rows, each - 1),  # one row at least is the policy's own
        )
        chance = jax.random.uniform(place, (prompts, each))
        rank = jnp.argsort(jnp.argsort(chance, axis=1), axis=1)
        some = jnp.minimum(rank, max(index.shape[1] - 1, 0))
        out = (rank < index.shape[1]) & jnp.take_along_axis(found, some, axis=1)
        slot = slots[jnp.take_along_axis(index, some, axis=1)].reshape(-1)
        rows = jax.tree.map(lambda x: x[slot], state["rows"])
        out = out.reshape(-1)
        return Entered(with_rows(rollout, out, rows, born=state["born"][slot]))

    def store(
        self,
        state: Any,
        told: Told,
        rollout: Rollout,
        arrays: dict[str, Array],
        learnt: Learnt,
    ) -> Any:
        value, there = masked.heard(rollout, self.signal)
        right = (value > self.above).astype(jnp.int32)
        first = (2 * told.place[rollout.group] + right) * self.rows
        ages = state["born"][first[:, None] + jnp.arange(self.rows)]
        slot = first + jnp.argmin(ages, axis=1)  # an empty one, or the oldest
        return _written(state, told, rollout, slot, there & own_rows(rollout))


def replay_solved(
    signal: SignalName, above: float = 0.5, most: Static[int] | None = None
) -> Brings:
    """Where all rows of a prompt fail, one of them at random makes room for the latest
    that solved it.

    Solved is a `signal` above `above`. A prompt whose rows are 0, 0, 0, 0, and of which
    a right row was seen 64 iterations ago, gets 0, 0, 1, 0. The stored row keeps the
    log-probs that it was sampled with, so its ratio is pi / pi_then; it is never older
    than `most` iterations, if that is said. (RAPO, arXiv 2509.24107)
    """
    return ReplaySolved(signal, above, most)


def replay_opposite(
    signal: SignalName,
    rows: Static[int] = 1,
    above: float = 0.5,
    most: Static[int] | None = None,
) -> Brings:
    """Where all rows of a prompt agree, `rows` of them at random make room for stored
    ones of the other outcome.

    Of rows 1, 1, 1, 1 and a stored wrong one 1, 0, 1, 1 is made; their advantages add
    up to 0 again. The latest `rows` of each outcome are kept for each problem, one an
    iteration. One row of the policy stays at least. (replay of R^3, arXiv 2601.19620,
    which adds rows and replaces none)
    """
    need("replay_opposite", "[1, inf)", rows=rows)
    return ReplayOpposite(signal, rows, above, most)


def _shelf(shapes: Rollout, slots: int) -> dict[str, Any]:
    rows = empty(rows_of(shapes), slots)
    return {"rows": rows, "born": jnp.full(slots, -1, jnp.int32)}


def _fresh(
    born: Int[Array, " M"], now: Int[Array, ""], most: int | None
) -> Bool[Array, " M"]:
    young = True if most is None else replay.fresh(born, now, most)
    return (born >= 0) & young


def _written(
    state: Any,
    told: Told,
    rollout: Rollout,
    slot: Int[Array, " N"],
    keep: Bool[Array, " N"],
) -> Any:
    born = jnp.broadcast_to(told.iteration, slot.shape)
    new = {"rows": rows_of(rollout, state["rows"]), "born": born}
    return replay.remember(state, new, slot, keep)
