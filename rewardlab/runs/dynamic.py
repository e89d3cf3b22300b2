"""Sampling again until a batch is full of prompts that teach: the loop of `refill`.

sample -> first scorers -> select -> fill the empty places -> sample ...
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Int
from ml_collections import ConfigDict

from rewardlab.core.types import Rollout
from rewardlab.data.batch import Batch
from rewardlab.learning.parallel import Driver
from rewardlab.learning.scoring import Make, Scoring, scoring
from rewardlab.runs.builders import select_of
from rewardlab.scorers.plan import Plan
from rewardlab.selection import refills_of, select_rows
from rewardlab.selection.refill import places_for

Round = Callable[[Batch], Rollout]  # sampled, and with what `select` reads


class Filled(NamedTuple):
    """The places of a batch, as far as they are filled."""

    rollout: Rollout
    problem: Int[Array, " B"]  # in each place: its number among those handed in
    full: Bool[Array, " B"]  # whether a row of it is kept
    rounds: Int[Array, ""]  # samplings so far


def refilling(
    select: Callable[[Rollout], Rollout], rounds: int, on_device: bool
) -> Callable[[Round, Batch], tuple[Rollout, Batch, dict[str, Array]]]:
    """A function of how a round is sampled and of the problems: the rollout of a full
    batch, its problems, and what it took.

    There are `rounds` times as many problems as places. `on_device` the loop is part of
    the program; else it is Python's, and host scorers are asked once a round.
    """

    def more(now: Filled) -> Bool[Array, ""]:
        return (now.rounds < rounds) & ~jnp.all(now.full)

    @jax.jit
    def put(now: Filled, new: Rollout) -> Filled:
        return _with(now, new, select)

    def filled(sample: Round, batch: Batch) -> tuple[Filled, Batch]:
        arrays, size = batch.arrays, batch.size // rounds

        def one(now: Filled) -> Filled:
            cut = lambda x: lax.dynamic_slice_in_dim(x, now.rounds * size, size)  # noqa: E731
            return put(now, sample(Batch(jax.tree.map(cut, arrays), {})))

        own = Batch({name: x[:size] for name, x in arrays.items()}, {})
        now = lax.while_loop(more, one, _empty(jax.eval_shape(sample, own), size))
        return now, Batch({name: x[now.problem] for name, x in arrays.items()}, {})

    def filled_by_turns(sample: Round, batch: Batch) -> tuple[Filled, Batch]:
        size = batch.size // rounds
        first = sample(batch.take(np.arange(size)))
        now = put(_empty(first, size), first)
        while bool(more(now)):
            rows = np.arange(size) + int(now.rounds) * size
            now = put(now, sample(batch.take(rows)))
        return now, batch.take(np.asarray(now.problem))

    def refilled(sample: Round, batch: Batch) -> tuple[Rollout, Batch, Any]:
        now, problems = (filled if on_device else filled_by_turns)(sample, batch)
        means = {
            "refill/rounds": now.rounds.astype(jnp.float32),
            "refill/frac_full": jnp.mean(now.full * 1.0),
        }
        return now.rollout, problems, means

    return refilled


def refilled_by(config: ConfigDict, on_device: bool) -> Any:
    """The loop of `refill`, where the config says it."""
    text = select_of(config)
    select, rounds = select_rows(text), refills_of(text)
    return refilling(select, rounds, on_device) if select and rounds > 1 else None


def by_stage(asked: Plan, make: Make, driver: Driver) -> tuple[Scoring, Scoring]:
    """The scorers that are asked before rows are replaced, and the others."""
    _refuse_early_learners(asked)
    first, second = asked._replace(second=()), asked._replace(first=())
    return scoring(first, make, driver), scoring(second, make, driver)


def _refuse_early_learners(plan: Plan) -> None:
    """`ValueError` for a scorer that would learn of rows that are replaced."""
    for scorer in plan.first:
        if scorer.fit and scorer.fit.when == "before":
            raise ValueError(
                f"the scorer {scorer.name!r} learns before it scores, and `select` "
                "reads it to replace rows; let it learn after, or leave that word out"
            )


def _empty(shapes: Any, size: int) -> Filled:
    rollout = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shapes)
    nobody = jnp.zeros(size, jnp.int32)
    return Filled(rollout, nobody, nobody > 0, jnp.zeros((), jnp.int32))


def _with(now: Filled, new: Rollout, select: Callable[[Rollout], Rollout]) -> Filled:
    """One sampling more: prompts with a kept row go to the empty places."""
    size = len(now.full)
    rows = jnp.any(select(new).mask, axis=1)
    kept = jnp.any(rows.reshape(size, -1), axis=1)
    filled, source = places_for(now.full, kept)
    begin = now.rounds == 0  # then every place gets the prompt of its own number
    own = jnp.arange(size)
    source = jnp.where(begin, own, source)
    taken = filled | begin
    problem = jnp.where(taken, now.rounds * size + source, now.problem)
    rollout = _replaced(now.rollout, new, taken, source)
    full = now.full | jnp.where(begin, kept, filled)
    return Filled(rollout, problem.astype(jnp.int32), full, now.rounds + 1)


def _replaced(
    old: Rollout, new: Rollout, taken: Bool[Array, " B"], source: Int[Array, " B"]
) -> Rollout:
    """`old` with the prompts `source` of `new`, and their rows, in the places taken."""
    size = len(taken)

    def put(was: Array, now: Array) -> Array:
        shape = (size, was.shape[0] // size, *was.shape[1:])
        was, now = was.reshape(shape), now.reshape(shape)[source]
        where = taken.reshape(size, *[1] * (was.ndim - 1))
        return jnp.where(where, now, was).reshape(-1, *shape[2:])

    whole = ("iteration", "group")
    fields = {f.name: getattr(old, f.name) for f in dataclasses.fields(old)}
    parts = {k: x for k, x in fields.items() if k not in whole}
    others = {k: getattr(new, k) for k in parts}
    mixed = jax.tree.map(put, parts, others)
    return dataclasses.replace(new, **mixed)
