"""When a run stops by itself: too many steps in a row that teach nothing."""

from pathlib import Path

import numpy as np
from ml_collections import ConfigDict

from rewardlab.core.signals.holes import said_of
from rewardlab.learning.learner import LearnerState, Report
from rewardlab.learning.scorer_fit import Learned
from rewardlab.runs.metrics import Metrics, Row
from rewardlab.system.answers import NoAnswer
from rewardlab.system.processes import fetched

REASONS = ("/errors", "/timeouts", "/abstained")  # of no reward


class Trouble:
    """Looks at each step, and says with what error the run must end, if it must.

    `train.max_skipped` steps in a row that are not finite, of the policy or of a scorer
    that learns, are `FloatingPointError`; `train.max_unrewarded` batches in a row, in
    which no completion has a reward, a text reward failed for all or no answer of a
    judge could be read, are `NoAnswer`. The second count begins anew with the process.
    """

    def __init__(self, config: ConfigDict, workdir: Path) -> None:
        self.config, self.workdir = config, workdir
        self.unrewarded = 0

    def __call__(
        self, state: LearnerState, report: Report, metrics: Metrics, row: Row
    ) -> Exception | None:
        most, skipped = self.config.train, int(state.skipped)
        what = _unrewarded(metrics, row)
        self.unrewarded = self.unrewarded + 1 if what else 0
        if skipped >= most.max_skipped:
            return FloatingPointError(
                f"{skipped} steps in a row were not finite, the last in "
                f"{not_finite(report)}; mend the reward or lower optim.lr, and go on "
                "from the last good parameters in "
                f"{self.workdir}/checkpoints/{int(state.step)}"
            )
        for name, count in skipped_scorers(state).items():
            if count >= most.max_skipped:
                return FloatingPointError(
                    f"{count} steps in a row of the scorer {name!r} were not finite; "
                    "mend what it learns from, lower its lr, or leave it out, and go "
                    f"on from {self.workdir}/checkpoints/{int(state.step)}"
                )
        if self.unrewarded >= most.max_unrewarded:
            return NoAnswer(
                f"in {self.unrewarded} batches in a row {what}{_reasons(row)}; mend "
                "what makes it, or raise train.max_unrewarded"
            )
        return None


def skipped_scorers(state: LearnerState) -> dict[str, int]:
    """How many steps in a row each scorer that learns has skipped, if any."""
    learned = {n: x for n, x in state.scorers.items() if isinstance(x, Learned)}
    counts = {name: int(own.skipped) for name, own in learned.items()}
    return {name: count for name, count in counts.items() if count}


def hole(state: LearnerState, report: Report) -> Exception | None:
    """The error of a signal that is NaN and does not say that it abstains."""
    holes = fetched(report.holes)
    said = said_of({name: np.asarray(rows) for name, rows in holes.items()})
    step = int(state.step)
    return ValueError(f"step {step} was skipped: {said}") if said else None


def not_finite(report: Report) -> str:
    """What is not finite in a step that was skipped."""
    rows = np.flatnonzero(fetched(report.bad_rows)).tolist()
    return f"rows {rows[:8]}" if rows else "the gradient"


def _unrewarded(metrics: Metrics, row: Row) -> str:
    """What gave no completion of the batch a reward or an answer; "": nothing did."""
    for name, share in row.items():
        of, _, kind = name.rpartition("/")
        if of.startswith("scorers/") and kind == "unread" and (share or 0) > 1 - 1e-6:
            judge = of.removeprefix("scorers/")
            return f"no answer of the judge {judge!r} could be read"
    if not metrics["reward/mean"].count:
        return "no completion had a reward"
    for name in row:
        reward, _, kind = name.rpartition("/")
        if (
            kind == "errors"
            and (row[name] or 0) + (row[f"{reward}/timeouts"] or 0) > 1 - 1e-6
        ):
            return f"the reward {reward.removeprefix('rewards/')!r} failed for all"
    return ""


def _reasons(row: Row) -> str:
    """Why text rewards gave none, as shares of the last batch."""
    shares = {k.removeprefix("rewards/"): x for k, x in row.items() if x}
    said = [f"{k} {x:.0%}" for k, x in shares.items() if k.endswith(REASONS)]
    return f" ({', '.join(said)})" if said else ""
