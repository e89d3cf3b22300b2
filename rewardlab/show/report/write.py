"""`rewardlab report`: reads what runs left, and writes a page and its files."""

import os
import shlex
from pathlib import Path
from typing import Any

from rewardlab.results.reading import Results, read_results
from rewardlab.show.report.again import (
    command_of,
    devices,
    run_rows,
    total_time,
    unfinished,
)
from rewardlab.show.report.arms import configs_of, differences
from rewardlab.show.report.figures import figures_of
from rewardlab.show.report.numbers import numbers_of
from rewardlab.show.report.page import render
from rewardlab.show.report.samples import samples_of
from rewardlab.system.files import write_whole
from rewardlab.system.printable import one_line

SECTIONS = {
    "results": "Results",
    "figures": "Figures",
    "alarms": "Alarms",
    "audit": "Audit",
    "samples": "Completions",
    "arms": "Arms",
    "again": "To run it again",
}


def report(
    run: str | os.PathLike, out: str | os.PathLike | None = None, question: str = ""
) -> Path:
    """Writes the report of a grid or of a run, and gives the path of its page.

    Into `out`, by default the folder `report` of the workdir: `index.html`, which needs
    no other file, and beside it the figures and tables. No run is started; files of the
    same names are replaced. `question` stands in place of that of the grid.
    `ValueError` where there is neither a grid nor a run.
    """
    results = read_results(Path(run))
    folder = Path(run) / "report" if out is None else Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    content = _content(results, Path(run), folder, question)
    page = folder / "index.html"
    write_whole(page, render(content))
    return page


def _content(
    results: Results, run: Path, folder: Path, question: str
) -> dict[str, Any]:
    """What the template shows."""
    name = run.resolve().name
    by_seed = results.cells
    of_arm = {arm: list(runs.values()) for arm, runs in by_seed.items()}
    rows = run_rows(results)
    numbers = numbers_of(results, folder)
    left_out: list[str] = []
    figures = figures_of(results, folder)
    alarms, audits = None, None
    redraw = ["rewardlab", "report", str(run), f"--out={folder}"]
    shown = {"figures": figures, "alarms": alarms is not None, "audit": audits}
    return {
        "name": name,
        "title": question or str(results.grid.get("question") or name),
        **numbers._asdict(),
        "facts": _facts(results, rows, len(of_arm)),
        "contents": {k: x for k, x in SECTIONS.items() if shown.get(k, True)},
        "unfinished": unfinished(rows),
        "baseline": next(iter(of_arm), ""),
        "figures": figures,
        "alarms": alarms,
        "audits": audits,
        "samples": samples_of(of_arm),
        "arms": configs_of(of_arm),
        "differences": differences(of_arm),
        "command": command_of(results),
        "commit": results.grid.get("commit") or "",
        "redraw": shlex.join(redraw + [f"--question={question}"] * bool(question)),
        "all_runs": rows,
        "left_out": left_out,
    }


def _facts(results: Results, rows: list, arms: int) -> dict[str, str]:
    seeds = sorted({run.seed for run in results.runs})
    done = sum(row.state == "done" for row in rows)
    facts = {
        "arms": str(arms),
        "seeds": ", ".join(map(str, seeds)),
        "runs done": f"{done} of {len(rows)}",
        "time, runs added up": total_time(results),
        "on": "; ".join(map(one_line, devices(rows))),
        "commit": str(results.grid.get("commit") or ""),
    }
    return {name: text for name, text in facts.items() if text}
