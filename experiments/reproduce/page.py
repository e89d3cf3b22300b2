"""The section of a study in RESULTS.md: table and verdict of its runs as they are."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from experiments.reproduce.study import Study
from experiments.reproduce.verdicts import Answer, answers, of_study
from rewardlab.results.numbers import numbers_of
from rewardlab.results.reading import Results, RunResult, read_results
from rewardlab.results.tables import cells, table_of
from rewardlab.runs.record import RUN
from rewardlab.system.files import read_json, write_whole

RESULTS = Path(__file__).parents[1] / "RESULTS.md"


class Found(NamedTuple):
    """A study as its runs are now."""

    results: Results
    answers: list[Answer]

    @property
    def done(self) -> int:
        return sum(run.state == "done" for run in self.results.runs)

    @property
    def seconds(self) -> float:
        """Of a core, for all its runs with the base policies that they made."""
        return sum(_core_seconds(run.folder) for run in self.results.runs)


def found(name: str, study: Study, root: Path) -> Found | None:
    """What lies in the folder of its runs; None where no run has begun."""
    grid = study.grid(name, root)
    places = [
        grid.folder(arm, {}, seed).name for arm in grid.arms for seed in grid.seeds
    ]
    try:
        results = read_results(grid.workdir).of(places)
    except ValueError:
        return None
    if not any(run.rows for run in results.runs):
        return None
    results = results._replace(grid={**results.grid, "reach": study.reach})
    numbers = numbers_of(results, grid.measures, study.reach)
    return Found(results, answers(study.expects, numbers))


def _core_seconds(folder: Path) -> float:
    """Of a run; those of the wall, where it does not say."""
    said = read_json(folder / RUN)
    starts = [start.get("core_seconds") for start in said.get("devices") or []]
    known = starts and all(isinstance(x, int | float) for x in starts)
    return float(sum(starts) if known else said.get("seconds") or 0)


def section(name: str, study: Study, of: Found) -> str:
    """Claim, command, table and verdict."""
    lines = [f"**Claim:** {study.claim}", "", f"    {command(name)}", ""]
    lines += [cells(table_of(of.results, study.measures.split(","))), ""]
    lines += [f"- {word}: {said}" for word, said in of.answers]
    verdict = of_study(of.answers)  # none where nothing was expected
    lines += (
        ["", f"**{verdict.capitalize()}.** {_made(of)}"] if verdict else [_made(of)]
    )
    return "\n".join(lines)


def command(name: str) -> str:
    """What makes a study again."""
    return f"python -m experiments.reproduce {name}"


def _made(of: Found) -> str:
    runs = of.results.runs
    commits = sorted({x for run in runs for x in _commits(of.results, run)})
    said = f"Commit {', '.join(commits)}; " if commits else ""
    begun = "" if of.done == len(runs) else f" of {len(runs)}, which are not all done"
    seeds = len({run.seed for run in runs})
    told = f"{of.done} runs{begun}, {seeds} seed{'s' * (seeds > 1)}"
    return f"{said}{told}, {of.seconds / 60:.0f} core-minutes."


def _commits(results: Results, run: RunResult) -> set[str]:
    """Those that computed a run; the grid's, of a run that does not say."""
    starts = read_json(run.folder / RUN).get("devices") or []
    said = {str(start.get("commit") or "") for start in starts} - {""}
    return said or {str(results.grid.get("commit") or "")} - {""}


def sections(text: str) -> dict[str, str]:
    """The sections that a page of results has, by study."""
    pattern = r"<!-- study: (\w+) -->\n(.*?)\n<!-- end -->"
    return dict(re.findall(pattern, text, re.DOTALL))


def put(name: str, study: Study, made: str, file: Path = RESULTS) -> None:
    """Writes a section in the place of the one before, or at the page's end."""
    text = file.read_text() if file.exists() else "# Results\n"
    block = "<!-- study: {} -->\n{}\n<!-- end -->".format
    before = sections(text).get(name)
    if before is None:
        text = f"{text.rstrip()}\n\n## {study.title}\n\n{block(name, made)}\n"
    else:
        text = text.replace(block(name, before), block(name, made))
    write_whole(file, text)


def overview(studies: dict[str, Study], root: Path) -> Iterator[tuple[str, ...]]:
    """A row a study: name, claim, runs that are done, minutes, verdict."""
    for name, study in studies.items():
        of, grid = found(name, study, root), study.grid(name, root)
        count = len(grid.arms) * len(grid.seeds)
        done, minutes, word = (0, "", "not run")
        if of is not None:
            done, minutes = of.done, f"{of.seconds / 60:.0f}"
            word = of_study(of.answers)
        yield name, study.claim, f"{done} of {count}", minutes, word
