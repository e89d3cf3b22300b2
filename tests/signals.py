"""Made-up signals for every name that a row of `METHODS` reads.

Shapes are written in letters: N rows, S steps, T tokens, R references, V values (before
each step and after the last), K members of an ensemble, C criteria of a rubric. A
signal that may abstain gets `name_valid` beside it.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Signal(NamedTuple):
    """How a signal is made up, and how rewards enter the laws.

    `shift`: adding a constant to those of a prompt is the law `shift`; `scale`:
    multiplying them all is the laws `scale` and `homogeneous`. `potential`: its values
    belong to states, and other values are the law `policy_invariance`.
    """

    shape: str
    draw: Callable  # (rng, shape) -> array
    shift: bool = False
    scale: bool = False
    abstains: bool = False
    potential: bool = False


def eighths(rng, shape):
    """Multiples of 1/8 in [-1, 1], so that there are ties."""
    return rng.integers(-8, 9, shape) / 8


def normal(rng, shape):
    return rng.normal(size=shape)


def logprob(rng, shape):
    return -rng.exponential(size=shape)


def nats(rng, shape):
    return rng.exponential(size=shape)


def few(rng, shape):
    """One of three integers, so that many agree."""
    return rng.integers(0, 3, shape)


def flags(rng, shape):
    return rng.random(shape) < 0.7


def tree(rng, shape):
    """Nodes of four tokens; after each, one of two comes next."""
    turns = np.repeat(rng.integers(0, 2, (shape[0], shape[1])), 4, axis=1)
    deep = np.arange(turns.shape[1]) // 4
    path = np.cumsum(np.where(np.arange(turns.shape[1]) % 4, 0, turns << deep), axis=1)
    return (64 * path + deep)[:, : shape[1]]


def halves(rng, shape):
    """Won, lost or a tie."""
    return rng.integers(0, 3, shape) / 2


def integers(low, high):
    return lambda rng, shape: rng.integers(low, high, shape)


def share(rng, shape):
    return rng.random(shape)


def verdict(rng, shape):
    """Multiples of 1/8 in [0, 1]."""
    return rng.integers(0, 9, shape) / 8


def often(rng, shape):
    """Three in four."""
    return rng.random(shape) < 0.75


def importance(rng, shape):
    """A weight of a token in [1, 1.7]."""
    return 1 + 0.7 * rng.random(shape)


def flag(rng, shape):
    return rng.random(shape) < 0.3


def above_one(rng, shape):
    """Where a sum of squared probabilities must be at least 2 p - 1 for every p."""
    return 1 + rng.random(shape)


def count(rng, shape):
    return rng.integers(0, 5, shape).astype(float)


def counts(rng, shape):
    return rng.integers(0, 4, shape).astype(float)


SIGNALS = {
    "correct": Signal("N", eighths, shift=True, scale=True, abstains=True),
    "score": Signal("N", eighths, shift=True, scale=True),
    "prm": Signal("NS", eighths, scale=True, abstains=True),
    "belief": Signal("NS", eighths, scale=True, abstains=True),
    "format": Signal("N", eighths, shift=True, scale=True, abstains=True),
    "greedy": Signal("N", eighths, shift=True, scale=True),
    "gap": Signal("N", eighths, scale=True),
    "similarity": Signal("N", share),
    "duration": Signal("NS", nats),
    "step_value": Signal("NS", eighths, scale=True),
    "value": Signal("NT", eighths, scale=True),
    "repetition": Signal("NT", eighths, scale=True),
    "is_answer": Signal("NT", flag),
    "sum_pi_squared": Signal("NT", above_one),
    "ref_logp": Signal("NT", logprob),
    "action": Signal("N", eighths, shift=True, scale=True),
    "anchor": Signal("NS", few),
    "match": Signal("NS", flags),
    "is_call": Signal("NT", flags),
    "node": Signal("NT", tree),
    "teacher_logp": Signal("NT", logprob),
    "flow": Signal("NT", nats),
    "sampler_logp": Signal("NT", logprob),
    "difficulty": Signal("N", share),
    "prm_logp": Signal("NT", logprob, abstains=True),
    "contribution": Signal("NS", normal, scale=True),
    "grounding": Signal("NS", share, scale=True),
    "budget_score": Signal("NS", eighths, shift=True, scale=True),
    "summary": Signal("NS", eighths, shift=True, scale=True),
    "split": Signal("NS", few),
    "entropy": Signal("NT", nats),
    "rank_bonus": Signal("N", normal),
    "ref_score": Signal("NR", normal),
    "self_score": Signal("N", verdict),
    "finished": Signal("N", often),
    "importance": Signal("NT", importance),
    "attempt": Signal("NS", eighths, shift=True, scale=True, abstains=True),
    "calls": Signal("N", count),
    "flaws": Signal("NS", count, abstains=True),
    "iou": Signal("NS", share, abstains=True),
    "parsed": Signal("N", often),
    "success": Signal("NV", share, abstains=True),
    "thinking": Signal("N", share, abstains=True),
    "preference": Signal("NR", share, shift=True, scale=True, abstains=True),
    "beats": Signal("NR", halves, shift=True, scale=True, abstains=True),
    "placement": Signal("N", eighths, shift=True, scale=True),
    "answer": Signal("N", integers(-1, 3), abstains=True),
    "partner": Signal("N", integers(0, 3)),
    "blind_logp": Signal("NT", logprob),
    "praise_logp": Signal("NR", eighths, shift=True, scale=True),
    "blame_logp": Signal("NR", eighths, scale=True),
    "insight": Signal("NS", normal),
    "message": Signal("NS", integers(0, 9)),
    "strong_logp": Signal("NT", logprob, scale=True),
    "weak_logp": Signal("NT", logprob, scale=True),
    "pattern": Signal("N", share),
    "continues": Signal("N", eighths, shift=True, scale=True),
    "solved": Signal("N", eighths, shift=True, scale=True),
    "tool_match": Signal("N", eighths, shift=True, scale=True),
    "form": Signal("N", integers(-1, 1)),
    "cost": Signal("N", share),
    "bleu": Signal("N", eighths, shift=True, scale=True),
    "hit": Signal("N", eighths, shift=True, scale=True),
    "overlap": Signal("N", eighths, scale=True),
    "corners": Signal("N", eighths, scale=True),
    "judge": Signal("N", eighths, shift=True, scale=True),
    "embedding": Signal("N", eighths, scale=True),
    "modality": Signal("N", eighths, scale=True),
    "potential": Signal("NS", eighths, scale=True, abstains=True, potential=True),
    "milestones": Signal("NS", share, scale=True, abstains=True, potential=True),
    "subgoals": Signal("NS", counts, scale=True, abstains=True, potential=True),
    "progress": Signal("NS", share, scale=True, abstains=True, potential=True),
    "progress_end": Signal(
        "N", share, shift=True, scale=True, abstains=True, potential=True
    ),
    "harmless": Signal("N", eighths, shift=True, scale=True),
    "ref_harmless": Signal("NR", normal),
    "members": Signal("NK", eighths, shift=True, scale=True, abstains=True),
    "spread": Signal("NK", share),
    "distance": Signal("NS", share),
    "aligned": Signal("NS", eighths, shift=True, scale=True),
    "relevance": Signal("N", share, shift=True, scale=True),
    "length_share": Signal("N", share),
    "distinct": Signal("N", share),
    "met": Signal("NC", verdict, shift=True, scale=True),
    "points": Signal("NC", eighths),
    "route": Signal("NS", share, scale=True),
    "speed": Signal("NS", share),
    "comfort": Signal("NS", verdict),
    "crashed": Signal("N", verdict, shift=True, scale=True),
    **{f"g{i}": Signal("N", verdict, shift=True, scale=True) for i in (1, 2, 3, 4)},
    "tool_calls": Signal("N", counts),
}


def made(rng, n, t, s, references=10):
    """Every signal of the table, with the `_valid` of those that abstain."""
    sizes = {"N": n, "S": s, "T": t, "R": references, "V": s + 1, "K": 5, "C": 6}
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
