"""A rescoring as one HTML file that needs nothing else."""

import shlex
from typing import Any

from rewardlab.show.episode import Step, episode_of
from rewardlab.show.rendered import rendered
from rewardlab.show.report.samples import Part, parts_of, spoken_of
from rewardlab.show.rescore import said
from rewardlab.show.rescore.found import Rescored
from rewardlab.show.rescore.paid import Paid, most_changed, pair_of, rankings, rows_of
from rewardlab.system.printable import signed

MOST = 24  # rows whose tokens are shown


def rescored_page(found: Rescored) -> str:
    """The text of the file; whatever a policy wrote is escaped."""
    rows, last = rows_of(found), found.steps[-1]
    pair, kept = pair_of(found, last), last.kept
    changed = most_changed(rows, kept.step)
    content = {
        "title": said.title(found),
        "run": found.run,
        "had": said.sentence(found.had),
        "would": "" if found.own else said.sentence(found.would),
        "facts": _facts(found),
        "notes": list(said.notes(found)),
        "head": said.HEAD,
        "legend": said.LEGEND,
        "table": [said.cells(row) for row in found.table],
        "rankings": [(of, [_ranked(row) for row in of.rows]) for of in rankings(rows)],
        "step": kept.step,
        "peaks": [signed(of.peak) for of in pair],
        "rows": [_row(row, (pair.had, pair.would)) for row in changed[:MOST]],
        "more": max(len(changed) - MOST, 0),
        "command": shlex.join(
            ["rewardlab", "rescore", found.run, f"--reward={' | '.join(found.would)}"]
        ),
    }
    return rendered("rescore/rescore.html", content, "report/report.css")


def _facts(found: Rescored) -> dict[str, Any]:
    kept = found.steps[-1].kept
    return {
        "kept steps": ", ".join(map(str, found.kept)),
        "config": kept.id,
        "commit": kept.commit or "unknown",
    }


def _ranked(row: Paid) -> dict[str, Any]:
    ranks = said.arrow(*map(str, row.ranks))
    return {"row": row, "reward": said.paid(row), "ranks": ranks}


def _row(row: Paid, steps: tuple[Step, Step]) -> dict[str, Any]:
    n = row.had.row
    return {
        "row": row.had,
        "reward": said.paid(row),
        "advantage": said.credited(row),
        "prompt": episode_of(steps[0], n).prompt,
        "sides": [
            (name, _parts(of, n))
            for name, of in zip(("had", "would"), steps, strict=True)
        ],
    }


def _parts(step: Step, row: int) -> list[Part]:
    return list(parts_of(spoken_of(episode_of(step, row)), step.peak))
