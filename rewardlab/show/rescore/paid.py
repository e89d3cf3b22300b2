"""Who is paid wrongly: the highest-paid wrong rows, the lowest-paid right ones."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rewardlab.runs.completions import completion_lines
from rewardlab.show.episode import Step, step_of
from rewardlab.show.report.extremes import KINDS
from rewardlab.show.rescore.again import Again
from rewardlab.show.rescore.apart import change_of_rows, ranks_of, rewards_of
from rewardlab.show.rescore.found import Rescored
from rewardlab.show.rows import Row

EACH = 3  # rows of each kind, under each sentence


class Paid(NamedTuple):
    """A row of a kept step, under both sentences; ranks are from 1, the highest."""

    step: int
    had: Row
    would: Row
    ranks: tuple[int, int]
    change: float  # of its advantages: see `change_of_rows`


class Ranking(NamedTuple):
    """Rows of a kind, and how many rows were ranked."""

    kind: str
    rows: list[Paid]
    of: int


class Pair(NamedTuple):
    """A step as `rewardlab show` has it, as it was and as it would have been."""

    had: Step
    would: Step


def pair_of(found: Rescored, step: Again) -> Pair:
    """Both, from a bundle."""
    kept, place = step.kept, (step.kept.step, list(found.kept))
    had, would = (
        step_of(
            found.run, place, list(completion_lines(kept.rollout, worth, kept.texts))
        )
        for worth in (kept.worth, step.worth)
    )
    return Pair(had, would)


def rows_of(found: Rescored) -> list[Paid]:
    """Every row that was learned from, of all steps."""
    rewards = [rewards_of(step) for step in found.steps]
    ranks = [ranks_of(np.concatenate(x)) for x in zip(*rewards, strict=True)]
    rows, at = [], 0
    for step in found.steps:
        pair, change = pair_of(found, step), change_of_rows(step)
        both = zip(pair.had.rows, pair.would.rows, strict=True)
        for n, (had, would) in enumerate(both):
            own = int(ranks[0][at]), int(ranks[1][at])
            rows.append(Paid(step.kept.step, had, would, own, float(change[n])))
            at += 1
    return [row for row in rows if row.would.kept and any(row.ranks)]


def rankings(rows: Sequence[Paid]) -> list[Ranking]:
    """Those paid most wrongly under either sentence, by what the other would pay;
    none where nothing has a verdict."""
    found = []
    for kind in KINDS:
        if not kind.verdict:
            continue
        fits = [row for row in rows if row.would.verdict == kind.verdict]
        chosen: dict[tuple[int, int], Paid] = {}
        for which in (0, 1):
            paid = [row for row in fits if row.ranks[which]]
            paid.sort(key=lambda row: kind.sign * row.ranks[which])
            for row in paid[:EACH]:
                chosen[row.step, row.had.row] = row
        ordered = sorted(chosen.values(), key=lambda row: kind.sign * row.ranks[1])
        if ordered:
            found.append(Ranking(kind.name, ordered, len(rows)))
    return found


def most_changed(rows: Sequence[Paid], step: int) -> list[Paid]:
    """The rows of a step, those first whose credit differs most."""
    own = [row for row in rows if row.step == step and row.had.length]
    return sorted(own, key=lambda row: -row.change)
