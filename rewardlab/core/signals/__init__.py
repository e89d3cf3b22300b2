"""Signals: facts about completions that methods read, by name."""

from collections.abc import Mapping

import numpy as np

from rewardlab.core.signals.facts import FACTS
from rewardlab.core.signals.rewards import REWARDS
from rewardlab.core.signals.signal import Signal
from rewardlab.core.signals.values import VALUES

__all__ = ["SIGNALS", "Signal", "made", "names"]

SIGNALS: dict[str, Signal] = {**REWARDS, **VALUES, **FACTS}


def made(
    rng: np.random.Generator,
    n: int,
    t: int,
    s: int,
    references: int = 10,
    table: Mapping[str, Signal] = SIGNALS,
) -> dict[str, np.ndarray]:
    """Every signal made up for n rows, with the `_valid` of those that may abstain."""
    sizes = {"N": n, "S": s, "T": t, "R": references, "V": s + 1, "K": 5, "C": 6}
    found = {
        name: signal.draw(rng, tuple(sizes[letter] for letter in signal.shape))
        for name, signal in table.items()
    }
    heard = rng.random(n) < 0.9
    found |= {f"{name}_valid": heard for name in table if table[name].abstains}
    return found


def names(**kinds: bool | str) -> list[str]:
    """The signals of which all of `kinds` hold, as in names(shift=True)."""
    return [
        name
        for name, signal in SIGNALS.items()
        if all(getattr(signal, kind) == value for kind, value in kinds.items())
    ]
