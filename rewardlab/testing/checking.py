"""`rewardlab.check`: which laws a sentence keeps, and whether any batch breaks it."""

import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import numpy as np

from rewardlab.core.compose import estimator
from rewardlab.core.signals import SIGNALS, Signal
from rewardlab.core.signals.draws import eighths
from rewardlab.core.types import RewardTransform
from rewardlab.methods import LAWS, METHODS, reads, resolve
from rewardlab.scorers.text_rewards import TextReward
from rewardlab.testing.always import ALWAYS_TRIED
from rewardlab.testing.degenerate import DEGENERATE
from rewardlab.testing.finding import (
    FAILS,
    HOLDS,
    UNTRIED,
    Checked,
    Finding,
    judged,
    raised,
)
from rewardlab.testing.laws import CHECKS, Subject, subject
from rewardlab.testing.rewards import check_reward
from rewardlab.testing.rollouts import batch

TOLERANCE = 1.5e-4  # of the greatest advantage: an epsilon of 1e-6 passes
ROLLOUTS = 20
SHAPES = ("N", "NS", "NT")  # that a signal which nobody has described may have
MUST = ("permutation", "mask")  # of those that are looked for in many rollouts
SAYS = {
    "numbers": "its numbers may be arguments of the compiled program",
    **LAWS,
}


def check(
    what: str | RewardTransform | TextReward | Callable[..., Any],
    signals: Mapping[str, str] | None = None,
    **hp: Any,
) -> Checked:
    """Tries the laws on a sentence, a method's name or a transform.

    `print(rewardlab.check("outcome('correct') | center_by_group()"))` shows a table.
    A function that reads text is another thing, with other laws: `check(exact,
    examples=[{"prompt": "3+4=", "right": "7", "answer": "7"}])`; see `check_reward`,
    which has the rest of the arguments.

    `signals` says of what shape your own signals are, {"clarity": "N", "tone": "NS"};
    without it N, NS and NT are tried; `hp` the values of bare names. Laws that every
    transform must keep, and those that a method claims, decide `passed`. Raises
    `ValueError` for what is no sentence.
    """
    if callable(what) or isinstance(what, TextReward):
        return check_reward(what, **hp)
    claimed: tuple[str, ...] = ()
    if isinstance(what, str):
        claimed = METHODS[what].laws if what in METHODS else ()
        what = resolve(what, **hp)
    transform = what
    with jax.enable_x64(True):
        table = _described(transform, dict(signals or {}))
        of = subject({"": transform}, table)
        found = _always(transform, table)
        if found["jit"].verdict == HOLDS:
            found |= _degenerate(of) | _by_law(of, claimed)
    return Checked(transform.sentence, found)


def _described(transform: RewardTransform, shapes: dict[str, str]) -> dict[str, Signal]:
    """Signals with which the transform runs: those of the project, and yours."""
    unknown = sorted(reads(transform) - {*SIGNALS, *shapes})
    wrong: Exception | None = None
    for tried in itertools.product(SHAPES, repeat=len(unknown)):
        own = shapes | dict(zip(unknown, tried, strict=True))
        table = SIGNALS | {name: _yours(shape) for name, shape in own.items()}
        try:
            estimator(transform).init(batch(table=table))
            return table
        except (ValueError, TypeError, IndexError) as error:
            wrong = wrong or error
    assert wrong is not None
    raise wrong


def _yours(shape: str) -> Signal:
    return Signal(shape, "a signal of yours", eighths, shift=shape == "N", scale=True)


def _always(
    transform: RewardTransform, table: Mapping[str, Signal]
) -> dict[str, Finding]:
    rollouts = [batch(seed, table=table) for seed in (0, 1)]
    found = {}
    for name, trial in ALWAYS_TRIED.items():
        try:
            found[name] = trial(transform, rollouts)._replace(says=SAYS[name])
        except Exception as error:  # whatever a word of somebody's raises
            found[name] = raised(error, SAYS[name])
    return found


def _degenerate(of: Subject) -> dict[str, Finding]:
    """Numbers that are finite and 0 outside the mask, whatever the batch is."""
    found = {}
    for name, spoil in DEGENERATE.items():
        rollout = spoil(batch(table=of.signals))
        advantage = np.asarray(of.advantages(rollout)[""])
        mask = np.asarray(rollout.mask)
        why = "" if np.isfinite(advantage).all() else "advantages are not finite"
        if not why and np.any(np.where(mask, 0, advantage)):
            why = "advantages stand outside the mask"
        found[name] = Finding(FAILS if why else HOLDS, "", True, why)
    return found


def _by_law(of: Subject, claimed: Iterable[str]) -> dict[str, Finding]:
    """The greatest violation that many rollouts show."""
    found = {}
    for name, law in CHECKS.items():
        sizes: list[float] = []
        for seed in range(ROLLOUTS):
            rollout = batch(seed, table=of.signals)
            sizes += law(of, rollout, np.random.default_rng(seed)).values()
        must = name in MUST or name in claimed
        if sizes:
            found[name] = judged(max(sizes), TOLERANCE, LAWS[name], must)
        else:
            found[name] = Finding(
                UNTRIED, LAWS[name], False, "it reads nothing of the kind"
            )
    return found
