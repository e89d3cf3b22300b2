"""What the oracle tests share: varied rollouts, rewards as dicts {(row, token): r}.

Rollouts come poisoned: NaN stands wherever nothing may be read.
"""

import dataclasses

import jax
import numpy as np

from rewardlab import build, chain
from rewardlab.testing import ragged

SEEDS = (0, 1, 2)
GROUPS = np.repeat([0, 1, 2, 3], [5, 4, 2, 1])  # a group of one, and row 11 is empty


def varied(seed):
    """Twelve ragged rows in groups of 5, 4, 2 and 1, of which some abstain.

    Row 3 abstains from `correct`, row 6 from `correct` and every step of `prm`, and one
    step in six from `prm`. Scores are multiples of 1/8, so there are ties.
    """
    rng = np.random.default_rng(100 + seed)
    base = ragged(seed, prompts=4, samples=3)
    base = dataclasses.replace(base, group=GROUPS.astype(np.int32))
    swap = np.roll(np.arange(12), seed)  # the empty row is another one every time
    base = jax.tree.map(lambda x: x[swap] if x.shape[:1] == (12,) else x, base)
    base = dataclasses.replace(base, group=GROUPS.astype(np.int32))
    mask = np.array(base.mask)
    for i in range(0, 12, 2):  # some rows end with a token of the environment
        *_, before, last = (0, 0, *np.nonzero(mask[i])[0])
        mask[i, last] &= last == before or base.step[i, last] != base.step[i, before]
    base = dataclasses.replace(base, mask=mask)
    signals = {k: np.array(v) for k, v in base.signals.items()}
    for name in ("prm", "belief"):
        signals[name] = np.round(8 * signals[name]) / 8
    signals["correct_valid"] = ~np.isin(np.arange(12), (3, 6))
    signals["prm_valid"] = rng.random((12, 4)) > 1 / 6
    signals["prm_valid"][6] = False
    rollout = base.with_signals(**signals)
    return _poisoned(rollout)


def _poisoned(rollout):
    mask, step = np.asarray(rollout.mask), np.asarray(rollout.step)
    signals = {k: np.array(v) for k, v in rollout.signals.items()}
    for i in range(12):
        there = set(step[i][mask[i]])
        absent = [s for s in range(4) if s not in there]
        signals["prm"][i, absent] = np.nan
        if not there:
            signals["correct"][i] = signals["score"][i] = np.nan
            signals["belief"][i] = np.nan
    for name in ("dense", "ref_logp"):
        signals[name][~mask] = np.nan
    signals["correct"][~signals["correct_valid"]] = np.nan
    logp = np.where(mask, rollout.logp, np.nan).astype(rollout.logp.dtype)
    return dataclasses.replace(rollout, logp=logp, signals=signals)


def run(text, rollout, **hp):
    """The one channel at the end of a sentence; it has places on True tokens only."""
    init, update = compiled(text, **hp)
    (reward,) = update({}, init(rollout), rollout)[0].values()
    value, where = np.asarray(reward.value), np.asarray(reward.placed)
    assert not value[~where].any(), "a value stands where nothing is placed"
    assert not (where & ~np.asarray(rollout.mask)).any(), "placed outside the mask"
    return {(i, t): value[i, t] for i, t in zip(*np.nonzero(where), strict=True)}


def apply(transform, rollout):
    """What it makes of a rollout from its first state, as one program."""
    return jax.jit(transform.update)({}, transform.init(rollout), rollout)[0]


_COMPILED = {}


def compiled(text, make=chain, **hp):
    """A sentence's init and its jitted update; the same one is compiled once."""
    key = (make, text, repr(sorted(hp.items())), jax.config.jax_enable_x64)
    if key not in _COMPILED:
        transform = make(build(text, **hp))
        _COMPILED[key] = transform.init, jax.jit(transform.update)
    return _COMPILED[key]


def agree(got, want, tol=1e-12):
    """The same places and, to rounding, the same numbers."""
    assert sorted(got) == sorted(want)
    for place, number in want.items():
        assert np.isclose(got[place], number, rtol=tol, atol=tol), (place, number)


def true_tokens(rollout, i):
    """The positions of row i's True tokens."""
    return [t for t in range(rollout.mask.shape[1]) if rollout.mask[i, t]]


def step_tokens(rollout, i):
    """Row i's True tokens by step, in order: [(step, [positions])]."""
    steps = {}
    for t in true_tokens(rollout, i):
        steps.setdefault(int(rollout.step[i, t]), []).append(t)
    return sorted(steps.items())


def row(rewards, i):
    """Row i's rewards in order of position: [((i, t), r)]."""
    return sorted((place, r) for place, r in rewards.items() if place[0] == i)


def mates(rewards, i):
    """The other rows of i's group that have a reward."""
    rows = {j for j, _ in rewards}
    return [j for j in sorted(rows) if GROUPS[j] == GROUPS[i] and j != i]
