"""A step's completions as a table in the terminal, and a row's siblings."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from rewardlab.show.episode import Step
from rewardlab.show.rows import Row, in_order
from rewardlab.show.shades import NOT_FINITE, style
from rewardlab.system.printable import number, signed


def listing(step: Step, by: str) -> RenderableType:
    """Every completion of a step, a line each, in an order of `SORTS`."""
    title = f"{step.run}  training step {step.step}"
    said = f"  {len(step.rows)} completions by {by}"
    rows = in_order(step.rows, by)
    return Group(Text.assemble((title, "bold"), (said, "dim")), table(rows))


def beside(siblings: Sequence[Row]) -> RenderableType:
    """What else was answered to the prompt."""
    return Group(
        Rule("other completions of the prompt", align="left", style="dim"),
        table(siblings),
    )


def table(rows: Sequence[Row]) -> Table:
    """Number, verdict, reward, advantage, length and the beginning of the text."""
    out = Table(box=None, padding=(0, 1), expand=True)
    judged = any(row.verdict for row in rows)
    peak = max((abs(row.advantage or 0.0) for row in rows), default=0.0)
    for name in ("row", "prompt", *["verdict"] * judged, "reward", "advantage"):
        out.add_column(name, justify="right", no_wrap=True, header_style="dim")
    out.add_column("tokens", justify="right", no_wrap=True, header_style="dim")
    out.add_column("text", ratio=1, no_wrap=True, overflow="ellipsis")
    for row in rows:
        mark = [Text(f"{row.mark} {row.verdict}", _verdict(row))] * judged
        worth = _advantage(row, peak)
        ends = [Text(str(row.length)), Text(row.text)]
        first = [Text(str(row.row)), Text(str(row.group), "dim")]
        out.add_row(*first, *mark, _reward(row), worth, *ends)
    return out


def _verdict(row: Row) -> str:
    return {"right": "green", "wrong": "red"}.get(row.verdict, "dim italic")


def _reward(row: Row) -> Text:
    if row.reward is None:
        return Text("absent", "dim italic")
    return Text(number(row.reward))


def _advantage(row: Row, peak: float) -> Text:
    if not row.kept:
        return Text("dropped", "dim italic")
    if row.advantage is None:
        return Text("not finite" if row.length else "", NOT_FINITE * bool(row.length))
    return Text(signed(row.advantage), style(row.advantage, peak))
