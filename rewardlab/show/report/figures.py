"""The figures of a report: in the page as SVG, and beside it in three formats."""

import base64
from pathlib import Path
from typing import NamedTuple

from rewardlab.results.figures import figures
from rewardlab.results.reading import Results
from rewardlab.results.tables import Table

FOR = {"": "for a page", "_column": "for a column"}


class Shown(NamedTuple):
    """A figure as the page has it."""

    title: str
    caption: str
    source: str  # a data: URL
    narrow: str  # the same, for a narrow screen
    files: dict[str, list[str]]  # beside the page, by what they are for


def figures_of(results: Results, table: Table, folder: Path, by: str) -> list[Shown]:
    """Draws what the runs have numbers for; none where they have none yet."""
    shown = []
    for drawn in figures(results, table, folder / "figures", by):
        files = {
            FOR[end]: [f"{file.parent.name}/{file.name}" for file in of]
            for end, of in drawn.files.items()
        }
        wide, narrow = (_url(drawn.files[end][0]) for end in ("", "_column"))
        shown.append(Shown(f"{drawn.title}.", drawn.caption, wide, narrow, files))
    return shown


def _url(svg: Path) -> str:
    data = base64.b64encode(svg.read_bytes()).decode()
    return f"data:image/svg+xml;base64,{data}"
