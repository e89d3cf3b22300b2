"""By how much a rollout violates each law, for several transforms at once.

A law compares the advantages of a rollout with those of another that should give the
same, or what follows from the same. Transforms that are looked at together are one
compiled program.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float

from rewardlab.core.compose import chain, estimator
from rewardlab.core.signals import SIGNALS, Signal, names
from rewardlab.core.types import RewardTransform, Rollout
from rewardlab.methods.sentence import reads
from rewardlab.testing.rollouts import as_jax

STEP_SCORES = ("prm", "belief", *names(shape="NS", potential=True))
Sizes = dict[str, float]  # of each transform, of the greatest number
Undo = Callable[[np.ndarray], np.ndarray]


class Subject(NamedTuple):
    """Transforms, and what they make of a rollout, compiled."""

    transforms: Mapping[str, RewardTransform]
    advantages: Callable[[Rollout], dict[str, Float[Array, "N T"]]]
    step_rewards: Callable[[Rollout], dict[str, Float[Array, "N T"]]]
    signals: Mapping[str, Signal] = SIGNALS  # of the rollouts

    def named(self, **kinds: bool) -> list[str]:
        """The signals of which all of `kinds` hold."""
        known = self.signals.items()
        return [
            name
            for name, signal in known
            if all(getattr(signal, kind) == value for kind, value in kinds.items())
        ]


def subject(
    transforms: Mapping[str, RewardTransform],
    signals: Mapping[str, Signal] = SIGNALS,
) -> Subject:
    """Transforms to be looked at, each from an empty state."""
    closed = {name: estimator(t) for name, t in transforms.items()}

    def advantages(rollout: Rollout) -> dict[str, Float[Array, "N T"]]:
        found = {k: c.update({}, c.init(rollout), rollout) for k, c in closed.items()}
        return {name: advantage for name, (advantage, _) in found.items()}

    def step_rewards(rollout: Rollout) -> dict[str, Float[Array, "N T"]]:
        found = {name: _of_steps(t, rollout) for name, t in transforms.items()}
        return {name: x for name, x in found.items() if x is not None}

    return Subject(transforms, jax.jit(advantages), jax.jit(step_rewards), signals)


def _of_steps(
    transform: RewardTransform, rollout: Rollout
) -> Float[Array, "N T"] | None:
    """What it makes of step scores before it adds them to the outcome."""
    words = [part.tree.word if part.tree else "" for part in transform.parts]
    if "weighted_sum" not in words:
        return None
    before = chain(*transform.parts[: words.index("weighted_sum")])
    channels = before.update({}, before.init(rollout), rollout)[0]
    scored = [c for c in STEP_SCORES if c in channels]
    return channels[scored[0]].value if scored else None


def gap(before: Any, after: Any) -> float:
    """The greatest difference, of the greatest number."""
    before, after = np.asarray(before), np.asarray(after)
    if not np.isfinite(before).all():
        return float("inf")
    return float(np.abs(before - after).max() / max(np.abs(before).max(), 1.0))


def gaps(
    of: Subject, rollout: Rollout, other: Rollout, undo: Undo = lambda x: x
) -> Sizes:
    """Of each transform, between its advantages of two rollouts."""
    before, after = of.advantages(rollout), of.advantages(other)
    return {k: gap(a, undo(np.asarray(after[k]))) for k, a in before.items()}


def permutation(of: Subject, rollout: Rollout, rng: np.random.Generator) -> Sizes:
    """Rows in another order."""
    n = len(rollout.mask)
    order = rng.permutation(n)
    mixed = jax.tree.map(lambda x: x[order] if x.shape[:1] == (n,) else x, rollout)
    return gaps(of, rollout, mixed, lambda a: a[np.argsort(order)])


def mask(of: Subject, rollout: Rollout, rng: np.random.Generator) -> Sizes:
    """NaN where nothing may be read, and 0 there."""
    here = np.asarray(rollout.mask)
    poisoned = {}
    for name, signal in of.signals.items():
        read = here if signal.shape == "NT" else here.any(axis=1)
        if signal.abstains:
            heard = np.asarray(rollout.signals[f"{name}_valid"])
            read = read & (heard if read.ndim == 1 else heard[:, None])
        x = np.asarray(rollout.signals[name])
        if x.dtype.kind == "f":
            read = read.reshape(read.shape + (1,) * (x.ndim - read.ndim))
            poisoned[name] = np.where(read, x, np.nan)
    logp: Any = np.where(here, rollout.logp, np.nan)
    other = dataclasses.replace(changed(rollout, **poisoned), logp=logp)
    found = gaps(of, rollout, other)
    outside = {k: np.abs(a)[~here].sum() for k, a in of.advantages(rollout).items()}
    return {k: float(np.nan_to_num(g, nan=9.0) + outside[k]) for k, g in found.items()}


def padding(of: Subject, rollout: Rollout, rng: np.random.Generator) -> Sizes:
    """Three more columns, two more prompts, two more empty rows."""
    n, t = rollout.mask.shape

    def grow(x: Any) -> Any:
        rows = [(0, 2)] if x.shape[:1] == (n,) else [(0, 0)]
        columns = [(0, 3)] if x.shape[1:] == (t,) else [(0, 0)] * (x.ndim - 1)
        return np.pad(x, rows + columns)

    grown = jax.tree.map(lambda x: grow(x) if x.ndim else x, rollout)
    more = dataclasses.replace(
        grown,
        step=np.where(grown.valid, grown.step, -1),
        prompts=np.pad(rollout.prompts, ((0, 2), (0, 0))),
        prompt_mask=np.pad(rollout.prompt_mask, ((0, 2), (0, 0))),
    )
    found = gaps(of, rollout, more, lambda a: a[:n, :t])
    added = {k: np.abs(a[n:]).sum() for k, a in of.advantages(more).items()}
    return {k: g + float(added[k]) for k, g in found.items()}


def shift(of: Subject, rollout: Rollout, rng: np.random.Generator) -> Sizes:
    """A constant more for all outcomes of a prompt."""
    added = (rng.integers(-8, 9, len(rollout.prompts)) / 4)[np.asarray(rollout.group)]
    outcomes = {k: (rollout.signals[k].T + added).T for k in of.named(shift=True)}
    return _reading(of, [*outcomes], gaps(of, rollout, changed(rollout, **outcomes)))


def scale(of: Subject, rollout: Rollout, rng: np.random.Generator) -> Sizes:
    """Eight times every reward leaves advantages."""
    return _reading(of, of.named(scale=True), gaps(of, rollout, _scaled(of, rollout)))


def homogeneous(of: Subject, rollout: Rollout, rng: np.random.Generator) -> Sizes:
    """Eight times every reward is eight times every advantage."""
    found = gaps(of, rollout, _scaled(of, rollout), lambda a: a / 8)
    return _reading(of, of.named(scale=True), found)


def telescoping(of: Subject, rollout: Rollout, rng: np.random.Generator) -> Sizes:
    """Other scores between a row's first step and its last leave the row's total."""
    n, s = rollout.signals["prm"].shape
    last = np.where(rollout.mask, rollout.step, -1).max(axis=1)[:, None]
    middle = (np.arange(s) > 0) & (np.arange(s) < last)
    noise = rng.integers(-8, 9, (n, s)) / 8
    other = {k: np.where(middle, noise, rollout.signals[k]) for k in STEP_SCORES}
    totals = [
        {k: np.sum(v, axis=1) for k, v in of.step_rewards(r).items()}
        for r in (rollout, changed(rollout, **other))
    ]
    return {k: gap(total, totals[1][k]) for k, total in totals[0].items()}


def bounded(of: Subject, rollout: Rollout, rng: np.random.Generator) -> Sizes:
    """By how much what accumulates exceeds 1: scores in [-1, 1], at 1, or one rise."""
    n, s = rollout.signals["prm"].shape
    best = changed(rollout, prm=np.ones((n, s)), belief=np.ones((n, s)))
    rises = np.where(np.arange(n)[:, None] == 0, np.linspace(-1, 1, s), 0)
    found: Sizes = {}
    for scored in (rollout, best, changed(rollout, belief=rises)):
        for name, value in of.step_rewards(scored).items():
            to_go = np.cumsum(np.asarray(value)[:, ::-1], axis=1)
            tree = of.transforms[name].tree
            words = {word.word for word in tree.words} if tree else set()
            top = 2.0 if "information_gain" in words else 1.0
            over = max(float(to_go.max()) - top, 0.0)
            found[name] = max(found.get(name, 0.0), over)
    return found


def changed(rollout: Rollout, **signals: Any) -> Rollout:
    """The rollout with other signals, in the types of JAX."""
    return rollout.with_signals(**{k: as_jax(v) for k, v in signals.items()})


def _scaled(of: Subject, rollout: Rollout) -> Rollout:
    scaled = {k: 8 * rollout.signals[k] for k in of.named(scale=True)}
    return changed(rollout, **scaled)


def _reading(of: Subject, signals: list[str], found: Sizes) -> Sizes:
    """The transforms that read one of these; of the others a law would say nothing."""
    read = {name: reads(of.transforms[name]) for name in found}
    return {name: x for name, x in found.items() if read[name] & set(signals)}


Law = Callable[[Subject, Rollout, np.random.Generator], Sizes]
CHECKS: dict[str, Law] = {
    "permutation": permutation,
    "mask": mask,
    "padding": padding,
    "shift": shift,
    "scale": scale,
    "homogeneous": homogeneous,
    "telescoping": telescoping,
    "bounded": bounded,
}
