"""The figures of a report: in the page as SVG, and beside it in three formats."""

import base64
from pathlib import Path
from typing import NamedTuple

from rewardlab.results.figures import figures
from rewardlab.results.reading import Results
from rewardlab.results.tables import Table


class Shown(NamedTuple):
    """A figure as the page has it."""

    title: str
    caption: str
    source: str  # a data: URL
    files: list[str]  # beside the page


def figures_of(results: Results, table: Table, folder: Path, by: str) -> list[Shown]:
    """Draws what the runs have numbers for; none where they have none yet."""
    shown = []
    for drawn in figures(results, table, folder / "figures", by):
        data = base64.b64encode(drawn.files[0].read_bytes()).decode()
        source = f"data:image/svg+xml;base64,{data}"
        files = [f"{file.parent.name}/{file.name}" for file in drawn.files]
        shown.append(Shown(f"{drawn.title}.", drawn.caption, source, files))
    return shown
