"""From a golden file's inputs to a rollout, and back to its outputs."""

import numpy as np
from oracle import compiled

from rewardlab import METHODS, chain, estimator, hyperparameters
from rewardlab.testing import as_jax, from_arrays


class NoAdapter(Exception):
    """This case belongs to something that the project does not have."""


def groups(index):
    """Any group labels as 0..B-1."""
    return np.unique(np.asarray(index), return_inverse=True)[1]


def run(make, text, rollout, hp):
    """What a sentence gives."""
    init, update = compiled(text, make, **hp)
    return update({}, init(rollout), rollout)[0]


def channels(text, rollout, **hp):
    """The channels at the end of a sentence."""
    return run(chain, text, rollout, hp)


def values(text, rollout, **hp):
    """The one channel at the end of a sentence, as numbers [N, T]."""
    (reward,) = channels(text, rollout, **hp).values()
    return np.asarray(reward.value)


def advantages(text, rollout, **hp):
    """What an estimator makes of a rollout: [N, T]."""
    return np.asarray(run(estimator, text, rollout, hp))


def only(mask, x):
    """Nothing to compare outside the mask, where the reference has leftovers."""
    return np.ma.masked_array(x, ~np.asarray(mask, bool))


def given(text, **hp):
    """Those hyperparameters that the sentence has."""
    return {k: v for k, v in hp.items() if k in hyperparameters(text)}


def sentence(method, **instead):
    """A method's sentence with other parts in the place of those that begin so."""
    parts = METHODS[method].reward.split(" | ")
    words = [part.split("(")[0] for part in parts]
    assert set(instead) <= set(words), (method, sorted(instead), words)
    new = [instead.get(w, p) for w, p in zip(words, parts, strict=True)]
    return " | ".join(part for part in new if part)


def per_row(values_):
    """Row numbers as a rollout of one token a row: nothing but rewards matters."""
    return np.ones((len(values_), 1), bool)


def with_end(mask):
    """One more True column, on which a row without tokens can hold its outcome.

    The references count such a row's reward in its group; a rollout needs a token for
    it. The column is cut off again.
    """
    mask = np.asarray(mask, bool)
    return np.concatenate([mask, np.ones((len(mask), 1), bool)], axis=1)


def as_array(x):
    """Nested lists with "nan" and "inf" as numbers, in the precision of the moment."""
    return as_jax(np.asarray(x, dtype=float))


def rollout_of(mask, **kwargs):
    """As `from_arrays`, with the floats in the precision of the moment."""
    arrays = {
        k: as_array(v) if np.asarray(v).dtype.kind in "fOU" else np.asarray(v)
        for k, v in kwargs.items()
    }
    return from_arrays(mask, **arrays)
