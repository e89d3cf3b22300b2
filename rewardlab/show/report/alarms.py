"""The alarms of a grid's runs, as they stand at the last step of each."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from rewardlab.results.reading import RunResult
from rewardlab.runs.alarms import Alarm, alarms_of, unmeasured
from rewardlab.runs.detectors import DETECTORS

Cells = Mapping[str, Sequence[RunResult]]


class Rung(NamedTuple):
    """An alarm of one run, since when, and with what numbers."""

    arm: str
    seed: int
    name: str
    step: int
    said: str


class Cell(NamedTuple):
    """In how many runs of an arm an alarm rings, and since which steps."""

    runs: str
    since: str = ""


class Alarms(NamedTuple):
    """What a page says of alarms: a table of arms, every alarm, what is not known."""

    head: list[str]  # those that ring in some run
    rows: dict[str, list[Cell]]
    rung: list[Rung]
    silent: list[str]  # lines
    runs: int  # that have begun to train
    ringing: int

    @property
    def short(self) -> str:
        """In how many runs there is one."""
        return f"in {self.ringing} of {self.runs} runs" if self.runs else ""


def alarms_in(cells: Cells) -> Alarms:
    """Read from the rows of each run, as its progress line reads them."""
    begun = {arm: [run for run in runs if run.rows] for arm, runs in cells.items()}
    every = {
        (arm, run.seed): alarms_of(run.rows) for arm, of in begun.items() for run in of
    }
    rung = [Rung(*at, x.name, x.step, x.said) for at, of in every.items() for x in of]
    head = [name for name in DETECTORS if any(x.name == name for x in rung)]
    lacks = {
        (arm, run.seed): unmeasured(run.rows) for arm, of in begun.items() for run in of
    }
    rows = {
        arm: [_cell(name, [(every[arm, run.seed], lacks[arm, run.seed]) for run in of])
              for name in head]
        for arm, of in begun.items()
    }  # fmt: skip
    silent = list(_silent(lacks))
    ringing = sum(bool(of) for of in every.values())
    return Alarms(head, rows if head else {}, rung, silent, len(every), ringing)


def _cell(name: str, runs: Sequence[tuple[list[Alarm], Mapping[str, str]]]) -> Cell:
    steps = [alarm.step for rung, _ in runs for alarm in rung if alarm.name == name]
    known = sum(name not in lacks for _, lacks in runs)
    if not known:
        return Cell("not measured" if runs else "not begun")
    counted = f"{len(steps)} of {known}"
    if not steps:
        return Cell(counted)
    least, most = min(steps), max(steps)
    since = str(least) if least == most else f"{least} to {most}"
    return Cell(counted, f"since step {since}")


def _silent(lacks: Mapping[tuple[str, int], Mapping[str, str]]) -> Iterable[str]:
    """What is not measured, and in which runs."""
    for name in DETECTORS:
        reasons: dict[str, list[tuple[str, int]]] = {}
        for at, known in lacks.items():
            if name in known:
                reasons.setdefault(known[name], []).append(at)
        for why, runs in reasons.items():
            yield f"{name}{_where(runs, lacks)}: {why}"


def _where(runs: list[tuple[str, int]], every: Iterable[tuple[str, int]]) -> str:
    """The arms whose runs these all are, else the seeds; "" where it is every run."""
    said, all_runs = [], list(every)
    if len(runs) == len(all_runs):
        return ""
    for arm in dict.fromkeys(arm for arm, _ in runs):
        ours = [seed for of, seed in runs if of == arm]
        whole = len(ours) == sum(of == arm for of, _ in all_runs)
        seeds = "seed" if len(ours) == 1 else "seeds"
        said.append(arm if whole else f"{arm} ({seeds} {', '.join(map(str, ours))})")
    return f" in {', '.join(said)}"
