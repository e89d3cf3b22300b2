"""Rows from elsewhere in a run: the words of `select` that bring them, at work.

choose problems -> sample -> first scorers -> rows enter -> ... -> step -> store
"""

import dataclasses
import functools
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool
from ml_collections import ConfigDict

from rewardlab.core import masked
from rewardlab.core.types import Rollout
from rewardlab.data.batch import Batch
from rewardlab.learning.learner import Means, Report
from rewardlab.learning.parallel import REPLICATED, Driver
from rewardlab.runs.builders import select_of
from rewardlab.runs.helped import refuse_unfit
from rewardlab.scorers.plan import Plan, base_of
from rewardlab.scorers.protocol import Context
from rewardlab.selection import words_of
from rewardlab.selection.brings import Brings, Entered, Learnt, Told
from rewardlab.selection.choosing import Choose
from rewardlab.selection.hints import HINT, ExpertRows, HintFailed
from rewardlab.selection.words import joined

State = dict[str, Any]  # by the word's place in the sentence
# From the batch with hints and the one without: sampled, with what `select` reads.
Again = Callable[[Batch, Batch], Rollout]


class Elsewhere(NamedTuple):
    """What the words of a sentence do in an iteration, beside keeping rows.

    `init(shapes)` reads shapes; `choose(state, context, batch)` takes a batch
    from candidates; `write(rollout, batch)` puts experts' rows in, before anything is
    scored; `enter(state, context, rollout, batch, again)` the others, after the first
    scorers; `store(state, context, rollout, batch, report)` follows the update.
    """

    init: Callable[[Rollout], State]
    choose: Callable[[State, Context, Batch], Batch]
    write: Callable[[Rollout, Batch], Rollout]
    enter: Callable[..., tuple[Rollout, Batch, Means]]
    store: Callable[..., State]


def elsewhere(
    config: ConfigDict, plan: Plan, arrays: Mapping[str, Any], driver: Driver
) -> Elsewhere | None:
    """The words of `select` that bring something; None if there are none.

    `arrays` are those of all problems. `ValueError` for what cannot come back.
    """
    words = words_of(select_of(config))
    if not any(isinstance(word, Brings) for word in words):
        return None
    refuse_unfit(config, plan)
    return _Words(words, plan, arrays, config.rollout.num_prompts, driver).functions()


class _Words:
    """The sentence, and what all of its words are told."""

    def __init__(
        self,
        words: Sequence[Any],
        plan: Plan,
        arrays: Mapping[str, Any],
        size: int,
        driver: Driver,
    ) -> None:
        self.words, self.plan, self.size = words, plan, size
        self.arrays, self.ids = arrays, np.sort(arrays["id"])
        self.brings = {
            f"{number}_{type(word).__name__}": word
            for number, word in enumerate(words)
            if isinstance(word, Brings)
        }
        # Whatever a store is made of, each device has it whole.
        self._same = driver.spmd(lambda x: x, ins=(REPLICATED,), outs=REPLICATED)

    def functions(self) -> Elsewhere:
        """They share this object."""
        does = (self.init, self.choose, self.write, self.enter, self.store)
        return Elsewhere(*does)

    def init(self, shapes: Rollout) -> State:
        case = self.facts(shapes), self.arrays, len(self.ids)
        states = {name: word.init(*case) for name, word in self.brings.items()}
        return {name: x for name, x in states.items() if jax.tree.leaves(x)}

    def facts(self, rollout: Rollout) -> Rollout:
        """With those signals only that are there when rows enter."""
        asked = {s.name for s in self.plan.first}
        asked |= {s.name for s in self.plan.scorers if s.place == "sample"}
        owners = {n: self.plan.owners.get(base_of(n)) for n in rollout.signals}
        there = {n for n, owner in owners.items() if owner is None or owner in asked}
        signals = {n: x for n, x in rollout.signals.items() if n in there}
        return dataclasses.replace(rollout, signals=signals)

    def told(self, name: str, context: Context, arrays: dict[str, Array]) -> Told:
        key = jax.random.fold_in(context.key, zlib.crc32(name.encode()))
        place = jnp.searchsorted(jnp.asarray(self.ids, jnp.int32), arrays["id"])
        return Told(key, context.iteration, place.astype(jnp.int32))

    def choose(self, state: State, context: Context, batch: Batch) -> Batch:
        for name, word in self.brings.items():
            if isinstance(word, Choose):
                index = self._chosen(name, state[name], context, batch.arrays)
                batch = _taken(batch, index)
        return batch

    @functools.partial(jax.jit, static_argnums=(0, 1))
    def _chosen(
        self, name: str, state: Any, context: Context, arrays: dict[str, Array]
    ) -> Array:
        word = self.brings[name]
        assert isinstance(word, Choose)
        return word.chosen(state, self.told(name, context, arrays), self.size)

    def write(self, rollout: Rollout, batch: Batch) -> Rollout:
        for word in self.words:
            if isinstance(word, ExpertRows):
                rollout = _written(word, rollout, batch.arrays)
        return rollout

    def enter(
        self,
        state: State,
        context: Context,
        rollout: Rollout,
        batch: Batch,
        again: Again,
    ) -> tuple[Rollout, Batch, Means]:
        for name, word in self.brings.items():
            if isinstance(word, HintFailed):
                hinted = again(_with_hints(batch), batch)
                rollout = _replaced(word, rollout, hinted, batch.arrays)
            case = (state.get(name, ()), context, rollout, batch.arrays)
            entered = self._entered(name, *case)
            batch = _moved(batch, entered)
            rollout = entered.rollout
        return rollout, batch, _shares(rollout)

    @functools.partial(jax.jit, static_argnums=(0, 1))
    def _entered(
        self,
        name: str,
        state: Any,
        context: Context,
        rollout: Rollout,
        arrays: dict[str, Array],
    ) -> Entered:
        number = int(name.partition("_")[0])
        dropped = self._dropped(rollout, self.words[:number])
        told = self.told(name, context, arrays)
        return self.brings[name].enter(state, told, rollout, arrays, dropped)

    def _dropped(self, rollout: Rollout, before: Sequence[Any]) -> Bool[Array, " B"]:
        """The prompts of which words before leave no row."""
        left = jnp.any(joined(*before)(rollout).mask, axis=1)
        return masked.group_sum(left.astype(jnp.int32), rollout) == 0

    def store(
        self,
        state: State,
        context: Context,
        rollout: Rollout,
        batch: Batch,
        report: Report,
    ) -> State:
        case = (context, self.facts(rollout), batch.arrays, report)
        return self._same(self._stored(state, *case)) if state else state

    @functools.partial(jax.jit, static_argnums=0)
    def _stored(
        self,
        state: State,
        context: Context,
        rollout: Rollout,
        arrays: dict[str, Array],
        report: Report,
    ) -> State:
        reward = jnp.where(report.reward.has_value, report.reward.total, 0)
        learnt = Learnt(reward, report.advantage)
        new = {}
        for name, old in state.items():
            told = self.told(name, context, arrays)
            new[name] = self.brings[name].store(old, told, rollout, arrays, learnt)
        skipped = report.metrics["skipped"] > 0
        return jax.tree.map(lambda a, b: jnp.where(skipped, b, a), new, state)


@functools.partial(jax.jit, static_argnums=0)
def _written(word: ExpertRows, rollout: Rollout, arrays: dict[str, Array]) -> Rollout:
    return word.written(rollout, arrays)


@functools.partial(jax.jit, static_argnums=0)
def _replaced(
    word: HintFailed, rollout: Rollout, hinted: Rollout, arrays: dict[str, Array]
) -> Rollout:
    return word.replaced(rollout, hinted, arrays)


def _with_hints(batch: Batch) -> Batch:
    """The same problems, with a hint in their prompts."""
    prompts, prompt_mask, _ = (batch.arrays[name] for name in HINT)
    hints = {"prompts": prompts, "prompt_mask": prompt_mask}
    return batch._replace(arrays={**batch.arrays, **hints})


def _taken(batch: Batch, index: Array) -> Batch:
    """Problems of a batch by their numbers; on the host where they have facts."""
    if batch.facts:
        return batch.take(np.asarray(index))
    return Batch({name: x[index] for name, x in batch.arrays.items()}, {})


def _moved(batch: Batch, entered: Entered) -> Batch:
    if entered.source is not None:
        batch = _taken(batch, entered.source)
    return batch._replace(arrays={**batch.arrays, **entered.arrays})


@jax.jit
def _shares(rollout: Rollout) -> Means:
    """How many of the rows are from elsewhere, and how old."""
    there = jnp.any(rollout.mask, axis=1)
    old = masked.replayed(rollout)
    kinds = {"replayed": old} if "born" in rollout.signals else {}
    for name in ("hinted", "expert"):
        if name in rollout.signals:
            kinds[name] = rollout.signals[name]
    out = {
        f"elsewhere/frac_{name}": masked.mean(rows * 1.0, there)
        for name, rows in kinds.items()
    }
    if "born" in rollout.signals:
        age = (rollout.iteration - rollout.signals["born"]).astype(jnp.float32)
        out["elsewhere/age"] = masked.mean(age, old)
    return out
