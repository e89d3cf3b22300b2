"""`rewardlab report`: reads what runs left, and writes a page and its files."""

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rewardlab.results.reading import Results, read_results
from rewardlab.results.tables import table_of
from rewardlab.show.rendered import rendered
from rewardlab.show.report.again import (
    RunRow,
    command_of,
    devices,
    run_rows,
    total_time,
    unfinished,
)
from rewardlab.show.report.alarms import alarms_in
from rewardlab.show.report.arms import configs_of, differences
from rewardlab.show.report.figures import figures_of
from rewardlab.show.report.numbers import numbers_of
from rewardlab.show.report.paid import paid_by
from rewardlab.show.report.samples import samples_of
from rewardlab.system.files import write_whole

SECTIONS = {
    "results": "Results",
    "figures": "Figures",
    "alarms": "Alarms",
    "samples": "Completions",
    "paid": "What each sentence pays for",
    "arms": "Arms",
    "again": "To run it again",
}


def report(
    run: str | os.PathLike,
    out: str | os.PathLike | None = None,
    question: str = "",
    by: str = "step",
) -> Path:
    """Writes the report of a grid or of a run, and gives the path of its page.

    Into `out`, by default the folder `report` of the workdir: `index.html`, which needs
    no other file, and beside it the figures and tables. No run is started; files of the
    same names are replaced. `question` stands in place of that of the grid; curves are
    drawn over `by`: step, episodes or tokens. `ValueError` where there is neither a
    grid nor a run.
    """
    results = read_results(Path(run))
    if not results.runs:
        raise ValueError(f"{run} plans no run; give a grid that has some")
    folder = Path(run) / "report" if out is None else Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "index.html"
    name = Path(run).resolve().name
    again = ["rewardlab", "report", str(run), f"--out={folder}"]
    again += [f"--question={question}"] * bool(question) + [f"--by={by}"] * (
        by != "step"
    )
    of_arms = _of_arms(results, folder, by)
    content = {
        "name": name,
        "title": question or str(results.grid.get("question") or name),
        "redraw": shlex.join(again),
        **_of_runs(results, of_arms["alarms"].short),
        **of_arms,
    }
    content["contents"] = {k: x for k, x in SECTIONS.items() if content.get(k, True)}
    text = rendered("report/report.html", content, "report/report.css")
    write_whole(page, text)
    return page


def _of_arms(results: Results, folder: Path, by: str) -> dict[str, Any]:
    """What the page shows by arm; the files beside it are written."""
    table = table_of(results)
    of = {label: list(runs.values()) for label, runs in results.cells.items()}
    return {
        **numbers_of(results, table, folder)._asdict(),
        "baseline": next(iter(of)),
        "figures": figures_of(results, table, folder, by),
        "alarms": alarms_in(of),
        "samples": samples_of(of),
        "arms": (arms := configs_of(of)),
        "paid": paid_by(arms),
        "differences": differences(of),
    }


def _of_runs(results: Results, alarms: str) -> dict[str, Any]:
    """What the page shows of runs, and how they came to be."""
    rows = run_rows(results)
    return {
        "facts": _facts(results, rows, alarms),
        "unfinished": unfinished(rows),
        "command": command_of(results),
        "commit": str(results.grid.get("commit") or ""),
        "all_runs": rows,
    }


def _facts(results: Results, rows: Sequence[RunRow], alarms: str) -> dict[str, str]:
    done = sum(row.state == "done" for row in rows)
    facts = {
        "arms": str(len(results.cells)),
        "seeds": ", ".join(map(str, sorted({run.seed for run in results.runs}))),
        "runs done": f"{done} of {len(rows)}",
        "alarms": alarms,
        "time, runs added up": total_time(results),
        "on": "; ".join(devices(rows)),
        "commit": str(results.grid.get("commit") or ""),
    }
    return {name: text for name, text in facts.items() if text}
