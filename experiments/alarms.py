"""How often each alarm is right on the runs of a grid: hits and false alarms.

    python -m experiments.alarms runs/learned
    python -m experiments.alarms runs/reproduce/sums --arms=sound,idle_clip

A run is spoilt if the problems that it was judged on were solved less often at its end
than at its beginning, by more than Student's 95 % interval over the problems: the truth
alone says so. A hit is an alarm of a spoilt run, a false alarm one of any other.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from rewardlab.analysis.statistics import clustered, wilson
from rewardlab.results.reading import Results, RunResult, read_results
from rewardlab.runs.alarms import alarms_of
from rewardlab.runs.detectors import DETECTORS
from rewardlab.runs.loop import verdicts


def spoilt(folder: Path) -> bool | None:
    """Whether the truth fell in a run from first to last; None if nobody knows."""
    before, after = (verdicts(folder, when) for when in ("before", "after"))
    if before is None or after is None or not after.shape[1]:
        return None
    return clustered(after.astype(float) - before.astype(float)).high < 0


def table(runs: Sequence[RunResult]) -> str:
    """Markdown: a row an alarm, with Wilson's 95 % intervals over runs."""
    judged = [(bad, run) for run in runs if (bad := spoilt(run.folder)) is not None]
    told = [(bad, {alarm.name for alarm in alarms_of(run.rows)}) for bad, run in judged]
    count = sum(bad for bad, _ in told)
    lines = [f"| alarm | of {count} spoilt runs | of {len(told) - count} others |"]
    lines.append("|---|---|---|")
    for name in DETECTORS:
        cells = [_share([name in x for bad, x in told if bad == of]) for of in (1, 0)]
        lines.append(f"| `{name}` | {cells[0]} | {cells[1]} |")
    return "\n".join(lines)


def _share(seen: Sequence[bool]) -> str:
    if not seen:
        return ""
    _, low, high = wilson(sum(seen) / len(seen), len(seen))
    return f"{sum(seen)} ({low:.0%} to {high:.0%})"


def by_arm(results: Results, arms: Sequence[str]) -> str:
    """Markdown: a row an alarm, a column an arm; `ValueError` for an arm without runs.

    Alarms that no run has are left out.
    """
    found = {
        arm: [
            {alarm.name for alarm in alarms_of(run.rows)}
            for run in results.runs
            if run.arm == arm and run.rows
        ]
        for arm in arms
    }
    if missing := [arm for arm in arms if not found[arm]]:
        known = ", ".join(sorted({run.arm for run in results.runs}))
        raise ValueError(f"no run of an arm {missing[0]!r} here; there is {known}")
    head = [f"`{arm}`, {len(told)} runs" for arm, told in found.items()]
    lines = [f"| alarm | {' | '.join(head)} |", f"|---{'|---' * len(head)}|"]
    for name in DETECTORS:
        counts = [sum(name in alarms for alarms in told) for told in found.values()]
        if any(counts):
            cells = " | ".join(str(count or "") for count in counts)
            lines.append(f"| `{name}` | {cells} |")
    return "\n".join(lines)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m experiments.alarms",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("grid", type=Path, help="the folder of a grid")
    parser.add_argument("--arms", default="", help="arms, by commas: a column each")
    args = parser.parse_args()
    try:
        results = read_results(args.grid)
        arms = [name for name in args.arms.split(",") if name]
        print(by_arm(results, arms) if arms else table(results.runs))
    except ValueError as error:
        parser.exit(1, f"error: {error}\n")


if __name__ == "__main__":
    main()
