"""Rows of `METHODS` as the subjects of laws, and rollouts to search for violations.

16 rows in up to four groups, 12 tokens, up to four steps that begin with a token of the
policy.
"""

import functools

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import strategies as st

from rewardlab import METHODS, estimator
from rewardlab.core.signals import made
from rewardlab.methods import IDEAS
from rewardlab.testing import from_arrays
from rewardlab.testing.laws import subject

N, T, S = 16, 12, 4
SHORT = {"after": 4, "rate": 0.1}  # so that the length penalty is felt here
COARSE = {
    "gigpo": {"gamma": 0.5},  # returns that differ, do by more than an epsilon
    "multi_discount": {"size": 3},  # rows of a dozen tokens repeat themselves
    # Halves of eighths add up exactly: equal totals are equal, whatever their parts.
    "medix_r1": dict.fromkeys(
        ("w_judge", "w_embedding", "w_modality", "w_format"), 0.5
    ),
}
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


@functools.cache
def of_idea(idea):
    """The rows of an idea, compiled as one program."""
    return subject({name: BUILT[name] for name in IDEAS[idea]})


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
