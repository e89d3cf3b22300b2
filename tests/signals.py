"""Made-up signals for every name that a row of `METHODS` reads.

Shapes are written in letters: N rows, S steps, T tokens, R references. A signal that
may abstain gets `name_valid` beside it.
"""

from collections.abc import Callable
from typing import NamedTuple


class Signal(NamedTuple):
    """How a signal is made up, and how rewards enter the laws.

    `shift`: adding a constant to those of a prompt is the law `shift`; `scale`:
    multiplying them all is the laws `scale` and `homogeneous`.
    """

    shape: str
    draw: Callable  # (rng, shape) -> array
    shift: bool = False
    scale: bool = False
    abstains: bool = False


def eighths(rng, shape):
    """Multiples of 1/8 in [-1, 1], so that there are ties."""
    return rng.integers(-8, 9, shape) / 8


def normal(rng, shape):
    return rng.normal(size=shape)


def logprob(rng, shape):
    return -rng.exponential(size=shape)


def nats(rng, shape):
    return rng.exponential(size=shape)


def share(rng, shape):
    return rng.random(shape)


SIGNALS = {
    "correct": Signal("N", eighths, shift=True, scale=True, abstains=True),
    "score": Signal("N", eighths, shift=True, scale=True),
    "prm": Signal("NS", eighths, scale=True, abstains=True),
    "belief": Signal("NS", eighths, scale=True, abstains=True),
    "ref_logp": Signal("NT", logprob),
    "entropy": Signal("NT", nats),
    "rank_bonus": Signal("N", normal),
    "ref_score": Signal("NR", normal),
}


def made(rng, n, t, s, references=10):
    """Every signal of the table, with the `_valid` of those that abstain."""
    sizes = {"N": n, "S": s, "T": t, "R": references}
    found = {
        name: signal.draw(rng, tuple(sizes[letter] for letter in signal.shape))
        for name, signal in SIGNALS.items()
    }
    heard = rng.random(n) < 0.9
    found |= {f"{name}_valid": heard for name in SIGNALS if SIGNALS[name].abstains}
    return found


def names(**kinds):
    """The signals of which all of `kinds` hold, as in names(shift=True)."""
    return [
        name
        for name, signal in SIGNALS.items()
        if all(getattr(signal, kind) == value for kind, value in kinds.items())
    ]
