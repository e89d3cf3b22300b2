"""What each arm's sentence pays for, where the exact gradient is known."""

import functools
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rewardlab.audits import Audit, audit
from rewardlab.audits.made_by import OTHERWISE
from rewardlab.audits.table import HEADS, cells
from rewardlab.show.report.arms import ArmConfig

SHOWN = ("bias", "SNR", "at budget", "credit", "sign", "decoys", "optimum")


class PaidFor(NamedTuple):
    """A table of arms: the numbers of an audit, or one cell that says why not."""

    head: Sequence[str]
    lines: dict[str, list[str]]


def paid_by(arms: Iterable[ArmConfig]) -> PaidFor | None:
    """The audit of each arm that has begun, on the plain world; None if none has."""
    lines = {arm.arm: _line(arm) for arm in arms if arm.sentences}
    return PaidFor(SHOWN, lines) if lines else None


def _line(arm: ArmConfig) -> list[str]:
    found = audit_of(arm.sentences.get("reward", ""), arm.name or arm.arm)
    if isinstance(found, str):
        return [found]
    numbers = dict(zip(HEADS, cells(found), strict=True))
    return [numbers[name] for name in SHOWN]


@functools.lru_cache(maxsize=64)
def audit_of(sentence: str, name: str = "") -> Audit | str:
    """The audit of a sentence on the plain world, or one sentence of why there is none.

    `name` is the method's, for those whose `prm` is what the environment pays.
    """
    try:
        return audit(sentence, signals=OTHERWISE.get(name))
    except ValueError as error:
        return str(error)
