"""What a sentence pays the turns of batches of an enumerated process."""

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int

from rewardlab.audits.drawn import DRAWERS, Batch
from rewardlab.audits.facts import Facts
from rewardlab.audits.made_by import MADE_BY
from rewardlab.audits.signals import MAKERS
from rewardlab.core.compose import estimator
from rewardlab.core.signatures import draws
from rewardlab.core.types import RewardTransform, Rollout
from rewardlab.methods.sentence import reads, shaped_reward

AT_ONCE = 512  # batches in one call of the compiled program


class Paid(NamedTuple):
    """Of B batches of N rows."""

    credit: Float[np.ndarray, "B N S"]  # on the token that chooses each turn's action
    total: Float[np.ndarray, "B N"] | None  # the shaped reward; None if it is unknown


def makers_of(
    transform: RewardTransform, given: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Who makes each signal that a sentence reads.

    `given` names other makers, as in {"prm": "paid_at_the_end"}. `ValueError` where
    nobody makes a signal, there is no such maker, or a word draws at random.
    """
    given = given or {}
    tree = transform.tree
    words = tree.words if tree is not None else ()
    if drawing := {one.word for one in words if draws(one.make)}:
        raise ValueError(
            f"{min(drawing)} draws at random, and an audit would see one draw of it"
        )
    for name, maker in given.items():
        if maker not in MAKERS and maker not in DRAWERS:
            known = ", ".join(sorted({*MAKERS, *DRAWERS}))
            raise ValueError(f"nobody named {maker!r} makes {name!r}; have {known}")
    wanted = reads(transform)
    known_makers = {**MADE_BY, **given}
    if lacks := sorted(wanted - set(known_makers)):
        raise ValueError(
            f"an enumerated process has no {lacks[0]!r}; name a maker of its shape, as "
            f"in --signal {lacks[0]}=verdict"
        )
    return {name: known_makers[name] for name in sorted(wanted)}


class Payer:
    """A sentence on batches of one shape: `payer(batches)` is what it pays."""

    def __init__(
        self,
        facts: Facts,
        transform: RewardTransform,
        makers: Mapping[str, str],
        rows: int,
    ) -> None:
        self.facts, self.makers, self.rows = facts, dict(makers), rows
        self.closed = estimator(transform)
        self.shaped = shaped_reward(transform)
        self.drawn = {k: v for k, v in self.makers.items() if v in DRAWERS}
        self.tables = {
            name: _by_outcome(facts, MAKERS[maker][0](facts))
            for name, maker in self.makers.items()
            if maker in MAKERS
        }
        group = np.repeat(np.arange(facts.process.prompts), rows)
        self.group = group.astype(np.int32)
        self.state = transform.init(self._rollout(*self._example()))
        self.closed.init(self._rollout(*self._example()))
        self.pays_total = self._has_total()

    def __call__(self, batches: Batch, rng: np.random.Generator) -> Paid:
        """Credits and totals; drawn signals are drawn once for each batch."""
        parts = []
        for begin in range(0, len(batches), AT_ONCE):
            some = batches[begin : begin + AT_ONCE]
            lack = AT_ONCE - len(some)
            whole = np.concatenate([some, np.repeat(some[-1:], lack, axis=0)])
            drawn = {k: DRAWERS[v][0](self.facts, rng, whole) for k, v in self._draws()}
            found = jax.device_get(self._compiled(whole, drawn))
            parts.append([x if x is None else x[: len(some)] for x in found])
        credit, total = zip(*parts, strict=True)
        known = None if total[0] is None else np.concatenate(total)
        return Paid(np.concatenate(credit), known)

    def _draws(self) -> Any:
        return sorted(self.drawn.items())

    @functools.cached_property
    def _compiled(self) -> Any:
        return jax.jit(jax.vmap(self._one))

    def _one(self, batch: Any, drawn: dict[str, Any]) -> tuple[Any, Any]:
        rollout = self._rollout(batch, drawn)
        advantage, _ = self.closed.update({}, self.state, rollout)
        at = jax.numpy.asarray(self.facts.first)[self._episode(batch)]
        credit = jax.numpy.take_along_axis(advantage, at, axis=1)
        total = self.shaped(self.state, rollout).total if self.pays_total else None
        return credit * self._taken(batch), total

    def _episode(self, batch: Any) -> Any:
        return jax.numpy.asarray(self.facts.episode)[batch]

    def _taken(self, batch: Any) -> Any:
        return jax.numpy.asarray(self.facts.process.taken)[self._episode(batch)]

    def _has_total(self) -> bool:
        """Some sentences join no channels before a baseline; theirs is not known."""
        rollout = self._rollout(*self._example())
        try:
            jax.eval_shape(lambda r: self.shaped(self.state, r).total, rollout)
        except (ValueError, KeyError):
            return False
        return True

    def _example(self) -> tuple[Any, dict[str, Any]]:
        batch = np.zeros((1, len(self.group)), int)
        rng = np.random.default_rng(0)
        drawn = {k: DRAWERS[v][0](self.facts, rng, batch)[0] for k, v in self._draws()}
        return batch[0], drawn

    def _rollout(self, batch: Any, drawn: dict[str, Any]) -> Rollout:
        facts, at = self.facts, self._episode(batch)
        step, logp = (jax.numpy.asarray(x)[at] for x in (facts.step, facts.logp))
        actions = jax.numpy.asarray(facts.process.actions)[at]
        chosen = jax.numpy.take_along_axis(actions, jax.numpy.maximum(step, 0), axis=1)
        tables = {k: jax.numpy.asarray(v)[batch] for k, v in self.tables.items()}
        chooses = jax.numpy.asarray(facts.chooses)[at]
        fields: dict[str, Any] = {
            "prompts": jax.numpy.zeros((facts.process.prompts, 1), np.int32),
            "prompt_mask": jax.numpy.ones((facts.process.prompts, 1), bool),
            "group": jax.numpy.asarray(self.group),
            "tokens": jax.numpy.where(chooses, 1 + chosen, 0).astype(np.int32),
            "mask": step >= 0,
            "valid": step >= 0,
            "step": step.astype(np.int32),
            "logp": logp,
            "signals": tables | {k: jax.numpy.asarray(v) for k, v in drawn.items()},
            "iteration": jax.numpy.zeros((), np.int32),
        }
        return Rollout(**fields)


def _by_outcome(facts: Facts, table: np.ndarray) -> np.ndarray:
    """A table of episodes as one of outcomes; integers as JAX has them."""
    whole = len(table) == len(facts.correct)
    found = table if whole else table[facts.episode]
    return found.astype(np.int32) if found.dtype.kind in "iu" else found


def per_outcome(
    payer: Payer, draws: Batch, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "D A S"], Float[np.ndarray, "D A"] | None]:
    """What each outcome is paid in the company of each draw's other rows.

    The outcome takes the place of one row of its prompt, another with each draw; all
    outcomes meet the same others, so that what depends on these alone cancels in an
    expectation over outcomes.
    """
    facts, rows = payer.facts, payer.rows
    count = len(facts.episode)
    whole = np.repeat(draws, count, axis=0)
    outcome = np.tile(np.arange(count), len(draws))
    place = np.repeat(np.arange(len(draws)) % rows, count)
    at = facts.prompt[outcome] * rows + place
    whole[np.arange(len(whole)), at] = outcome
    paid = payer(whole, rng)
    own = np.arange(len(whole)), at
    shape = len(draws), count
    total = None if paid.total is None else paid.total[own].reshape(shape)
    return paid.credit[own].reshape(*shape, -1), total


def sampled(
    facts: Facts, rows: int, batches: int, rng: np.random.Generator
) -> Int[np.ndarray, "B N"]:
    """Batches as the policy makes them: `rows` outcomes of each prompt."""
    columns = []
    for prompt in range(facts.process.prompts):
        mine = np.flatnonzero(facts.prompt == prompt)
        chance = facts.chance[mine]
        size = (batches, rows)
        columns.append(rng.choice(mine, size=size, p=chance / chance.sum()))
    return np.concatenate(columns, axis=1)


def every_batch(facts: Facts, rows: int, most: int) -> Batch | None:
    """All batches there are, or None where they are more than `most`."""
    kinds = [np.flatnonzero(facts.prompt == p) for p in range(facts.process.prompts)]
    columns = [kind for kind in kinds for _ in range(rows)]
    count = 1
    for column in columns:
        count *= len(column)
        if count > most:
            return None
    return np.stack(np.meshgrid(*columns, indexing="ij"), axis=-1).reshape(count, -1)
