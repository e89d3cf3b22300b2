"""`docs/credit.md` and its map: methods of credit assignment, on one page to cite."""

import re
from pathlib import Path

from matplotlib.figure import Figure

from rewardlab.figures.cells import Filled, map_of_cells
from rewardlab.methods import METHODS
from rewardlab.methods.columns import FAMILIES
from rewardlab.methods.survey import CELLS, RULES, Rule
from rewardlab.methods.taxonomy import place_of
from rewardlab.methods.units import ROW, UNITS
from rewardlab.methods.weak import WEAK
from rewardlab.scorers.costs import cost_of
from rewardlab.show.methods import absent_of

AUDIT = Path("docs/audit.md")
TEXT = Path(__file__).with_name("credit.md")


def figure() -> Figure:
    """The map: rows by unit and family, and the survey's own methods in their cells."""
    rows = _cells()
    names = {cell: _others(*cell) for cell in _every()}
    filled = {cell: Filled(len(rows.get(cell, ())), names[cell]) for cell in _every()}
    return map_of_cells(filled, UNITS, [*FAMILIES])


def page() -> str:
    """The page as Markdown."""
    rows = _cells()
    empty = [cell for cell in _every() if cell not in rows]
    theirs = {(cell.granularity, cell.methodology) for cell in CELLS}
    return TEXT.read_text().format(
        count=len(METHODS),
        cells=len(_every()),
        empty=len(empty),
        new=len([cell for cell in rows if cell not in theirs]),
        families="; ".join(f"**{name}**, {says}" for name, says in FAMILIES.items()),
        table=_table(rows),
        differ=len([cell for cell in CELLS if cell.row in METHODS and cell.differs]),
        elsewhere=_elsewhere(),
        rules=_rules(),
        audit=_audits(),
        apart=_apart(),
        whole=_whole(),
        weak=_weak(),
    )


def _every() -> list[tuple[str, str]]:
    return [(unit, family) for unit in UNITS for family in FAMILIES]


def _cells() -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for name in METHODS:
        place = place_of(name)
        found.setdefault((place.granularity, place.methodology), []).append(name)
    return found


def _others(unit: str, family: str) -> list[str]:
    """The survey's methods in a cell, in brackets where there is no row."""
    here = [c for c in CELLS if (c.granularity, c.methodology) == (unit, family)]
    return [c.method if c.row in METHODS else f"({c.method})" for c in here]


def _link(name: str) -> str:
    return f"[{name}](methods.md#{name})"


def _table(rows: dict[tuple[str, str], list[str]]) -> str:
    """Which rows a cell has; those that pay whole rows have a table of their own."""
    lines = ["| | " + " | ".join(FAMILIES) + " |", "|---" * (len(FAMILIES) + 1) + "|"]
    for unit in UNITS[1:]:
        cells = [rows.get((unit, family), []) for family in FAMILIES]
        told = [", ".join(map(_link, names)) or "–" for names in cells]
        lines.append(f"| **{unit}** | " + " | ".join(told) + " |")
    return "\n".join(lines)


def _elsewhere() -> str:
    lines = ["| method | the survey | here | why |", "|---|---|---|---|"]
    for cell in CELLS:
        if cell.row in METHODS and cell.differs:
            place = place_of(cell.row)
            here = f"{_link(cell.row)}: {place.granularity}, {place.methodology}"
            there = f"{cell.granularity}, {cell.methodology}"
            lines.append(f"| {cell.method} | {there} | {here} | {cell.differs} |")
    return "\n".join(lines)


def _rules() -> str:
    lines = ["| task | rows | asks for, a row | no row here |", "|---|---|---|---|"]
    lines += [_rule(rule) for rule in RULES]
    return "\n".join(lines)


def _rule(rule: Rule) -> str:
    names = [name for name in rule.methods.values() if name in METHODS]
    asks = "; ".join(f"{name}: {cost_of(name)}" for name in names)
    absent = ", ".join(absent_of(rule))
    when = f"{rule.when} ({rule.note})" if rule.note else rule.when
    return f"| {when} | {', '.join(map(_link, names))} | {asks} | {absent} |"


def _audits() -> str:
    """The survey's methods and `grpo` in the pages of audits, best at a budget first.

    Those whose losses pay tokens apart are left out: an audit is of the reward.
    """
    known = {cell.row for cell in CELLS}.union(
        *(rule.methods.values() for rule in RULES)
    )
    left = {n for n in known if n in METHODS and place_of(n).enters != "loss"}
    found: list[list[str]] = []
    heads, *rows = _table_of(AUDIT)  # best first, as that page has them
    for _, names, *numbers in rows:
        if named := sorted(left & set(re.findall("`(.*?)`", names))):
            found.append([", ".join(f"`{name}`" for name in named), *numbers])
    lines = [_line(*heads[1:]), "|---" * (len(heads) - 1) + "|"]
    return "\n".join([*lines, *(_line(*cells) for cells in found)])


def _table_of(page_: Path) -> list[list[str]]:
    """The cells of a page's first table, its heads first."""
    lines = page_.read_text().splitlines()
    begin = next(i for i, line in enumerate(lines) if line.startswith("| | methods"))
    table = lines[begin : lines.index("", begin)]
    heads, _, *cells = [[x.strip() for x in line.split("|")[1:-1]] for line in table]
    return [heads, *cells]


def _apart() -> str:
    """The rows that pay parts of a row apart, in every column."""
    heads = "method unit family setting kind evidence state by enters helper".split()
    lines = ["| " + " | ".join([*heads, "asks for"]) + " |", "|---" * 11 + "|"]
    for name in METHODS:
        place = place_of(name)
        if place.granularity != ROW:
            lines.append(_line(_link(name), *place, *_asked(name)))
    return "\n".join(lines)


def _whole() -> str:
    """The rows that pay whole rows, in the columns that tell them apart."""
    lines = ["| method | family | setting | helper | asks for |", "|---" * 5 + "|"]
    for name in METHODS:
        place = place_of(name)
        if place.granularity == ROW:
            cells = place.methodology, place.setting, *_asked(name)
            lines.append(_line(_link(name), *cells))
    return "\n".join(lines)


def _asked(name: str) -> tuple[str, str]:
    cost = cost_of(name)
    return ", ".join(cost.helpers) or "-", str(cost)


def _line(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _weak() -> str:
    lines = ["| method | what to know | source |", "|---|---|---|"]
    for row, fact, source in WEAK:
        lines.append(f"| {_link(row) if row else ''} | {fact} | {source} |")
    return "\n".join(lines)
