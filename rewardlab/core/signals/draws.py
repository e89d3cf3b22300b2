"""How signals are made up, for tests and for `rewardlab explain`."""

from collections.abc import Callable

import numpy as np

Rng = np.random.Generator
Draw = Callable[[Rng, tuple[int, ...]], np.ndarray]


def eighths(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    """Multiples of 1/8 in [-1, 1], so that there are ties."""
    return rng.integers(-8, 9, shape) / 8


def normal(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    """Of mean 0 and standard deviation 1."""
    return rng.normal(size=shape)


def logprob(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    """Log-probs, nats."""
    return -rng.exponential(size=shape)


def nats(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    """Not negative, of mean 1."""
    return rng.exponential(size=shape)


def few(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    """One of three integers, so that many agree."""
    return rng.integers(0, 3, shape)


def flags(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    """True in seven of ten."""
    return rng.random(shape) < 0.7


def tree(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    """Nodes of four tokens; after each, one of two comes next."""
    turns = np.repeat(rng.integers(0, 2, (shape[0], shape[1])), 4, axis=1)
    deep = np.arange(turns.shape[1]) // 4
    path = np.cumsum(np.where(np.arange(turns.shape[1]) % 4, 0, turns << deep), axis=1)
    return (64 * path + deep)[:, : shape[1]]


def halves(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    """Won, lost or a tie."""
    return rng.integers(0, 3, shape) / 2


def integers(low: int, high: int) -> Draw:
    """Integers from `low` up to, not with, `high`."""
    return lambda rng, shape: rng.integers(low, high, shape)


def share(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    """Uniform in [0, 1)."""
    return rng.random(shape)


def verdict(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    """Multiples of 1/8 in [0, 1]."""
    return rng.integers(0, 9, shape) / 8


def often(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    """Three in four."""
    return rng.random(shape) < 0.75


def importance(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    """A weight of a token in [1, 1.7]."""
    return 1 + 0.7 * rng.random(shape)


def flag(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    """True in three of ten."""
    return rng.random(shape) < 0.3


def parts(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    """1, 1/2 or 1/3."""
    return 1 / rng.integers(1, 4, shape)


def above_one(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    """Draws in [1, 2): they keep 1 - 2 p + sum p^2 non-negative for every p."""
    return 1 + rng.random(shape)


def count(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    """0 to 4."""
    return rng.integers(0, 5, shape).astype(float)


def counts(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    """0 to 3."""
    return rng.integers(0, 4, shape).astype(float)


def segments(rng: Rng, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers of segments, which grow by one after three tokens in ten, to 3."""
    return np.minimum(np.cumsum(rng.random(shape) < 0.3, axis=1), 3)
