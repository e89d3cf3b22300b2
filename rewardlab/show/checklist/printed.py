"""The checklist in a terminal."""

from collections.abc import Sequence

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from rewardlab.show.checklist.checklist import Checked
from rewardlab.show.checklist.items import ITEMS, MARKS, MISSING, PARTLY, STATED
from rewardlab.system.printable import one_line

_STYLES = {STATED: "green", PARTLY: "yellow", MISSING: "red"}
_LEVELS = {True: "R", False: "r"}
LEGEND = (
    f"{MARKS[STATED]} stated, {MARKS[PARTLY]} partly, {MARKS[MISSING]} missing; "
    "R required, r recommended"
)


def show(found: Sequence[Checked], out: Console) -> None:
    """A line an item, an arm after the other, and what the marks mean."""
    for one in found:
        out.print(Text(one_line(one.name), "bold"))
        out.print(_table(one))
        out.print(_total(one))
        out.print()
    out.print(Text(LEGEND), soft_wrap=True)


def _table(one: Checked) -> Table:
    table = Table.grid(padding=(0, 1), expand=True)
    for ratio in (None, None, None, None, 1):
        table.add_column(ratio=ratio)
    for number, (name, line) in enumerate(one.lines.items(), 1):
        first, *more = map(one_line, line.value.split("\n"))
        value = Group(Text(first), *(Text(x) for x in more))
        mark = Text(MARKS[line.state], _STYLES[line.state])
        item = ITEMS[name]
        level, short = _LEVELS[item.required], Text(item.short, no_wrap=True)
        table.add_row(mark, f"{number:2}", level, short, value)
    return table


def _total(one: Checked) -> Text:
    said = []
    for required, name in ((True, "required"), (False, "recommended")):
        of = sum(item.required == required for item in ITEMS.values())
        said.append(f"{one.count(required)} of {of} {name} stated")
    lacking = f"; missing: {', '.join(one.lacking)}" if one.lacking else ""
    return Text(f"{', '.join(said)}{lacking}")
