"""How much a rollout violates each law, for many rows of `METHODS` at once.

The rows of one idea run in one compiled program, on rollouts of one shape: 16 rows in
up to four groups, 12 tokens, up to four steps that begin with a token of the policy.
"""

import dataclasses
import functools

import hypothesis.extra.numpy as hnp
import jax
import numpy as np
from hypothesis import strategies as st
from rollouts import as_jax, from_arrays

from rewardlab import METHODS, chain, estimator
from rewardlab.core.signals import SIGNALS, made, names

N, T, S = 16, 12, 4
STEP_SCORES = ("prm", "belief", *names(shape="NS", potential=True))
SHORT = {"after": 4, "rate": 0.1}  # so that the length penalty is felt here
COARSE = {"gigpo": {"gamma": 0.5}}  # returns that differ, do by more than an epsilon
BUILT = {
    name: method.build(
        **(SHORT if " length_penalty" in method.reward else {}),
        **COARSE.get(name, {}),
    )
    for name, method in METHODS.items()
}
CLOSED = {name: estimator(transform) for name, transform in BUILT.items()}

eighths = st.integers(-8, 8).map(lambda k: k / 8)
flags = hnp.arrays(bool, (N, T))


@st.composite
def rollouts(draw):
    """Ragged rows with holes, abstaining rows, groups of any size, often one
    of one row, ties everywhere."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    length = draw(hnp.arrays(int, N, elements=st.integers(0, T)))
    valid = np.arange(T) < length[:, None]
    cuts = draw(flags) & (np.arange(T) > 0)
    step = np.minimum(np.cumsum(cuts, axis=1), S - 1)
    first = np.concatenate([np.ones((N, 1), bool), np.diff(step) > 0], axis=1)
    signals = made(rng, N, T, S)
    outcomes = hnp.arrays(float, N, elements=eighths)
    scores = hnp.arrays(float, (N, S), elements=eighths)
    signals |= {"correct": draw(outcomes), "score": draw(outcomes)}
    signals |= {"prm": draw(scores), "belief": draw(scores)}
    return from_arrays(
        valid & (first | draw(flags)),
        group=np.concatenate(
            [[0, 1, 2, 3], rng.integers(0, 3 + rng.integers(2), N - 4)]
        ),
        step=np.where(valid, step, -1),
        valid=valid,
        logp=-rng.exponential(size=(N, T)),
        **signals,
    )


@functools.partial(jax.jit, static_argnums=1)
def advantages(rollout, rows):
    """The advantage of one rollout by each of these methods, from an empty state."""
    closed = {name: CLOSED[name] for name in rows}
    return {k: c.update({}, c.init(rollout), rollout)[0] for k, c in closed.items()}


@functools.partial(jax.jit, static_argnums=1)
def step_rewards(rollout, rows):
    """What each method makes of step scores before it adds them to the outcome."""
    found = {}
    for name in rows:
        parts = BUILT[name].parts
        words = [part.sentence.split("(")[0] for part in parts]
        if "weighted_sum" in words:
            before = chain(*parts[: words.index("weighted_sum")])
            channels = before.update({}, before.init(rollout), rollout)[0]
            scored = [c for c in STEP_SCORES if c in channels]
            if scored:
                found[name] = channels[scored[0]].value
    return found


def changed(rollout, **signals):
    return rollout.with_signals(**{k: as_jax(v) for k, v in signals.items()})


def gap(before, after):
    """The greatest difference, of the greatest number."""
    before, after = np.asarray(before), np.asarray(after)
    return float(np.abs(before - after).max() / max(np.abs(before).max(), 1.0))


def gaps(rollout, other, rows, f=lambda x: x):
    """Of each method, between the advantages of two rollouts; `f` undoes the change."""
    before, after = advantages(rollout, rows), advantages(other, rows)
    return {name: gap(a, f(np.asarray(after[name]))) for name, a in before.items()}


def permutation(rollout, rng, rows):
    order = rng.permutation(N)
    mixed = jax.tree.map(lambda x: x[order] if x.shape[:1] == (N,) else x, rollout)
    return gaps(rollout, mixed, rows, lambda a: a[np.argsort(order)])


def mask(rollout, rng, rows):
    """NaN where nothing may be read, and 0 there."""
    here = np.asarray(rollout.mask)
    poisoned = {}
    for name, signal in SIGNALS.items():
        read = here if signal.shape == "NT" else here.any(axis=1)
        if signal.abstains:
            heard = np.asarray(rollout.signals[f"{name}_valid"])
            read = read & (heard if read.ndim == 1 else heard[:, None])
        x = np.asarray(rollout.signals[name])
        if x.dtype.kind == "f":
            read = read.reshape(read.shape + (1,) * (x.ndim - read.ndim))
            poisoned[name] = np.where(read, x, np.nan)
    logp = np.where(here, rollout.logp, np.nan)
    found = gaps(
        rollout, dataclasses.replace(changed(rollout, **poisoned), logp=logp), rows
    )
    outside = {k: np.abs(a)[~here].sum() for k, a in advantages(rollout, rows).items()}
    return {k: float(np.nan_to_num(g, nan=9.0) + outside[k]) for k, g in found.items()}


def padding(rollout, rng, rows):
    """Three more columns, two more prompts, two more empty rows."""

    def grow(x):
        rows = [(0, 2)] if x.shape[:1] == (N,) else [(0, 0)]
        columns = [(0, 3)] if x.shape[1:] == (T,) else [(0, 0)] * (x.ndim - 1)
        return np.pad(x, rows + columns)

    grown = jax.tree.map(lambda x: grow(x) if x.ndim else x, rollout)
    more = dataclasses.replace(
        grown,
        step=np.where(grown.valid, grown.step, -1),
        prompts=np.pad(rollout.prompts, ((0, 2), (0, 0))),
        prompt_mask=np.pad(rollout.prompt_mask, ((0, 2), (0, 0))),
    )
    found = gaps(rollout, more, rows, lambda a: a[:N, :T])
    added = {k: np.abs(a[N:]).sum() for k, a in advantages(more, rows).items()}
    return {k: g + float(added[k]) for k, g in found.items()}


def shift(rollout, rng, rows):
    added = (rng.integers(-8, 9, 4) / 4)[np.asarray(rollout.group)]
    outcomes = {k: (rollout.signals[k].T + added).T for k in names(shift=True)}
    return reading(outcomes, gaps(rollout, changed(rollout, **outcomes), rows))


def reading(signals, found):
    """The rows that read one of these; of the others a law would say nothing.

    All rows were computed: another selection would be another program to compile.
    """
    return {row: size for row, size in found.items() if read_by(row) & set(signals)}


@functools.cache
def read_by(row):
    """The signals of one method."""
    return set(METHODS[row].reads)


def _scaled(rollout):
    return changed(rollout, **{k: 8 * rollout.signals[k] for k in names(scale=True)})


def scale(rollout, rng, rows):
    return reading(names(scale=True), gaps(rollout, _scaled(rollout), rows))


def homogeneous(rollout, rng, rows):
    found = gaps(rollout, _scaled(rollout), rows, lambda a: a / 8)
    return reading(names(scale=True), found)


def telescoping(rollout, rng, rows):
    """Other scores between a row's first step and its last leave the row's total."""
    step = np.where(rollout.mask, rollout.step, -1).max(axis=1)[:, None]
    middle = (np.arange(S) > 0) & (np.arange(S) < step)
    noise = rng.integers(-8, 9, (N, S)) / 8
    other = {k: np.where(middle, noise, rollout.signals[k]) for k in STEP_SCORES}
    totals = [
        {k: np.sum(v, axis=1) for k, v in step_rewards(r, rows).items()}
        for r in (rollout, changed(rollout, **other))
    ]
    return {k: gap(total, totals[1][k]) for k, total in totals[0].items()}


def bounded(rollout, rng, rows):
    """By how much what accumulates exceeds 1: scores in [-1, 1], at 1, or one rise."""
    found = {}
    best = changed(rollout, prm=np.ones((N, S)), belief=np.ones((N, S)))
    rises = np.where(np.arange(N)[:, None] == 0, np.linspace(-1, 1, S), 0)
    for scored in (rollout, best, changed(rollout, belief=rises)):
        for name, value in step_rewards(scored, rows).items():
            to_go = np.cumsum(np.asarray(value)[:, ::-1], axis=1)
            top = 2.0 if "information_gain" in METHODS[name].reward else 1.0
            over = max(float(to_go.max()) - top, 0.0)
            found[name] = max(found.get(name, 0.0), over)
    return found


CHECKS = (
    permutation,
    mask,
    padding,
    shift,
    scale,
    homogeneous,
    telescoping,
    bounded,
)
