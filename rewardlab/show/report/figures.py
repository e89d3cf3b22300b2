"""The figures of a report: in the page as they are, and beside it as files."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from rewardlab.results.reading import Results
from rewardlab.runs.overoptimization import proxy_and_truth
from rewardlab.runs.plots import COLOURS, learning_curves


class Shown(NamedTuple):
    """A figure as the page has it."""

    title: str
    caption: str
    source: str  # a data: URL
    files: list[str]  # beside the page


Arms = Mapping[str, Sequence[Path]]
CURVES = "Reward trained on, truth, length, entropy over the steps"
PROXY = "What a reward model says and what is true, over the KL to the reference"


def figures_of(results: Results, folder: Path) -> list[Shown]:
    """Draws what the runs have numbers for; none where they have none yet."""
    drawn = folder / "figures"
    drawn.mkdir(exist_ok=True)
    arms = {
        label: [run.folder / "metrics.jsonl" for run in runs.values() if run.rows]
        for label, runs in results.cells.items()
    }
    known = [(label, files) for label, files in arms.items() if files]
    found = []
    parts = [known[i : i + len(COLOURS)] for i in range(0, len(known), len(COLOURS))]
    for n, part in enumerate(parts, 1):
        end = f"_{n}" if len(known) > len(COLOURS) else ""
        curves = learning_curves(dict(part), drawn / f"curves{end}.png")
        found.append(_shown(CURVES, curves, dict(part)))
        if proxy := proxy_and_truth(dict(part), drawn / f"proxy{end}.png"):
            found.append(_shown(PROXY, proxy, dict(part)))
    return found


def _shown(title: str, file: Path, arms: Arms) -> Shown:
    data = base64.b64encode(file.read_bytes()).decode()
    caption = ", ".join(f"{label} ({len(runs)})" for label, runs in arms.items())
    said = f"Arms, and how many seeds: {caption}."
    source = f"data:image/png;base64,{data}"
    return Shown(title + ".", said, source, [f"{file.parent.name}/{file.name}"])
