"""How far rewards and advantages under two sentences are apart, in numbers."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from rewardlab.analysis.calibration import pair_probabilities
from rewardlab.show.rescore.again import Again
from rewardlab.show.rows import VERDICT

Values = Float[np.ndarray, " n"]
Table = Float[np.ndarray, "N T"]


class Apart(NamedTuple):
    """Of a step, or of several together; NaN where there is nothing to say.

    Of each pair the first is what the run had. Tokens are the policy's, in rows that
    were learned from.
    """

    name: str
    reward: tuple[float, float]  # means over rows that both pay
    ordered: tuple[float, float]  # a prompt's pairs whose right row is paid more
    rewards: float  # Pearson's correlation, over rows
    advantages: float  # and over tokens
    opposite: float  # share of tokens that one pushes up and the other down
    one_alone: float  # share to which only one of them gives an advantage
    change: float  # mean absolute change of a token's advantage
    size: float  # mean absolute advantage that it had


def apart(name: str, steps: Sequence[Again]) -> Apart:
    """Over all tokens and rows of the steps alike."""
    tokens = [tuple(x[there(step)] for x in advantages_of(step)) for step in steps]
    a, b = (np.concatenate(x) for x in zip(*tokens, strict=True))
    rows = [rewards_of(step) for step in steps]
    had, would = (np.concatenate(x) for x in zip(*rows, strict=True))
    paid = np.isfinite(had) & np.isfinite(would)
    pairs = [_in_order(step) for step in steps]
    before, after = (np.concatenate(x) for x in zip(*pairs, strict=True))
    return Apart(
        name,
        (_mean(had[paid]), _mean(would[paid])),
        (_mean(before), _mean(after)),
        correlation(had[paid], would[paid]),
        correlation(a, b),
        _mean(a * b < 0),
        _mean((a == 0) != (b == 0)),
        _mean(np.abs(b - a)),
        _mean(np.abs(a)),
    )


def advantages_of(step: Again) -> tuple[Table, Table]:
    """What the learner had, and what it would have had."""
    both = (step.kept.worth.advantage, step.worth.advantage)
    return np.asarray(both[0], np.float64), np.asarray(both[1], np.float64)


def there(step: Again) -> Bool[np.ndarray, "N T"]:
    """The tokens whose advantages are numbers under both sentences."""
    a, b = advantages_of(step)
    return step.mask & np.isfinite(a) & np.isfinite(b)


def rewards_of(step: Again) -> tuple[Values, Values]:
    """Of the rows that were learned from; NaN where one has no reward."""
    both = (step.kept.worth.reward, step.worth.reward)
    had, would = (np.where(step.worth.kept, x, np.nan) for x in both)
    return had.astype(np.float64), would.astype(np.float64)


def change_of_rows(step: Again) -> Values:
    """Mean absolute difference of each row's advantages, those of each sentence in
    units of their root mean square over the step; 0 of a row without any."""
    where = there(step)
    a, b = (_in_units(np.where(where, x, 0), where) for x in advantages_of(step))
    return np.abs(b - a).sum(axis=1) / np.maximum(where.sum(axis=1), 1)


def correlation(a: Values, b: Values) -> float:
    """Pearson's; NaN where one of them does not vary."""
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def ranks_of(rewards: Values) -> Int[np.ndarray, " n"]:
    """1 for the highest paid, and for equals of it; 0 of a row without a reward."""
    paid = np.sort(rewards[np.isfinite(rewards)])
    more = len(paid) - np.searchsorted(paid, rewards, side="right")
    return np.where(np.isfinite(rewards), more + 1, 0)


def _in_order(step: Again) -> tuple[Values, Values]:
    """Of each pair of a prompt's right and wrong row whether the right one is paid
    more, 1/2 where they are equal: as it was, and as it would be."""
    verdict = step.kept.rollout.signals.get(VERDICT)
    if verdict is None or np.ndim(verdict) != 1:
        return np.zeros(0), np.zeros(0)
    valid = step.kept.rollout.signals.get(f"{VERDICT}_valid", True)
    right = np.asarray(verdict > 0, np.float64)
    had, would = rewards_of(step)
    known = np.isfinite(had) & np.isfinite(would) & valid
    group = np.asarray(step.kept.rollout.group)
    case = (right[known], group[known])
    return (
        pair_probabilities(had[known], *case)[0],
        pair_probabilities(would[known], *case)[0],
    )


def _in_units(x: Table, where: Bool[np.ndarray, "N T"]) -> Table:
    size = np.sqrt(np.sum(x**2) / max(where.sum(), 1))
    return x / size if size else x


def _mean(x: np.ndarray) -> float:
    return float(np.mean(x)) if x.size else float("nan")
