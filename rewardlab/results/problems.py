"""Problems as clusters: what the verdicts of runs say of other problems than theirs.

Every run of a task is judged on the same held-out problems, whatever its seed. The
interval over seeds is of these problems and other seeds; the one over problems is of
these runs and other problems, and with one seed it is the only one there is.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from rewardlab.analysis.statistics import SHARE, Interval, clustered
from rewardlab.results.reading import RunResult
from rewardlab.runs.loop import verdicts

MEASURE = "pass@1"  # what verdicts are of
_SAME = ("task", "data", "data_dir")  # what decides which problems are held out
Verdicts = Float[np.ndarray, "problems samples"]


class OverProblems(NamedTuple):
    """A mean with its interval over problems, and how many there were."""

    interval: Interval
    problems: int

    @property
    def holds_zero(self) -> bool:
        """Whether other problems may have no difference, or the opposite one."""
        return self.interval.low <= 0 <= self.interval.high

    def __str__(self) -> str:
        _, low, high = self.interval
        return f"over {self.problems} problems [{low:.3f}, {high:.3f}]"


def solved(runs: Iterable[RunResult]) -> OverProblems | None:
    """The share solved, over the problems; None where their verdicts are not there."""
    every = list(runs)
    found = _together([x for run in every if (x := verdicts_of(run)) is not None])
    if found is None or not _alike(every):
        return None
    return OverProblems(clustered(found, within=SHARE), len(found))


def paired(
    ours: Mapping[int, RunResult], theirs: Mapping[int, RunResult]
) -> OverProblems | None:
    """The difference of two cells, paired by problem, over the seeds that both have.

    None where verdicts are not there, or are of other problems.
    """
    known: list[RunResult] = []
    found: list[tuple[Verdicts, Verdicts]] = []
    for one, other in ((ours[seed], theirs[seed]) for seed in ours if seed in theirs):
        mine, its = verdicts_of(one), verdicts_of(other)
        if mine is not None and its is not None:
            known += [one, other]
            found.append((mine, its))
    a, b = (_together([pair[i] for pair in found]) for i in (0, 1))
    if a is None or b is None or len(a) != len(b) or not _alike(known):
        return None
    between = a.mean(axis=1) - b.mean(axis=1)
    return OverProblems(clustered(between[:, None], within=(-1, 1)), len(between))


def verdicts_of(run: RunResult) -> Verdicts | None:
    """The verdicts of a run's last evaluation; None where the file is not of it."""
    found = verdicts(run.folder, "after")
    last = run.evaluations[-1].get(f"eval/{MEASURE}") if run.evaluations else None
    if found is None or len(found) < 2 or not found.size or last is None:
        return None
    return found.astype(np.float64) if abs(found.mean() - last) < 1e-6 else None


def _together(each: list[Verdicts]) -> Verdicts | None:
    """The verdicts of several runs side by side, if they are of as many problems."""
    if len({len(x) for x in each}) != 1:
        return None
    return np.concatenate(each, axis=1)


def _alike(runs: list[RunResult]) -> bool:
    """Whether the held-out problems are the same in all runs."""
    said = [_problems(run.config) for run in runs if run.config]
    return len(said) == len(runs) and all(one == said[0] for one in said)


def _problems(config: Mapping[str, Any]) -> list[Any]:
    longest = config.get("rollout", {}).get("max_prompt_length")
    count = config.get("eval", {}).get("num_problems")
    return [*(config.get(key) for key in _SAME), longest, count]
