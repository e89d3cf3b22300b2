"""What is swept: the cells over the values of an axis, as a table and for figures."""

import math
from typing import Any, NamedTuple

from rewardlab.results.cells import cell, in_code
from rewardlab.results.reading import Results, label_of
from rewardlab.results.tables import Table


class Sweep(NamedTuple):
    """A measure over an axis: [arm and its other axes][value] -> the table's label."""

    axis: str
    measure: str
    values: tuple[Any, ...]  # in order
    lines: dict[str, dict[Any, str]]

    @property
    def of_numbers(self) -> bool:
        """Whether every value is a number, as they are typed in a grid's command."""
        return all(number_of(value) is not None for value in self.values)


def number_of(value: Any) -> float | None:
    """A value of an axis as a number; None for a word. '1e-4' -> 0.0001"""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) and not isinstance(value, bool) else None


def sweeps(results: Results, table: Table) -> list[Sweep]:
    """The first measure over each axis that has two values or more."""
    if not table.measures:
        return []
    found = []
    for axis in dict.fromkeys(key for run in results.runs for key in run.axes):
        lines: dict[str, dict[Any, str]] = {}
        for run in results.runs:
            if axis in run.axes and run.label in table.numbers:
                others = {key: x for key, x in run.axes.items() if key != axis}
                line = lines.setdefault(label_of(run.arm, others), {})
                line[run.axes[axis]] = run.label
        values = tuple(dict.fromkeys(x for line in lines.values() for x in line))
        sweep = Sweep(axis, table.measures[0], values, lines)
        if sweep.of_numbers:
            sweep = sweep._replace(values=tuple(sorted(values, key=float)))
        if len(values) > 1:
            found.append(sweep)
    return found


def over(sweep: Sweep, table: Table) -> str:
    """Markdown; a cell that was not run is empty."""
    head = [f"{sweep.measure} by {in_code(sweep.axis)}"]
    head += [in_code(str(value)) for value in sweep.values]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    within = table.within[sweep.measure]
    for name, of in sweep.lines.items():
        cells = [
            cell(table.numbers[of[value]][sweep.measure], within) if value in of else ""
            for value in sweep.values
        ]
        lines.append("| " + " | ".join([in_code(name), *cells]) + " |")
    return "\n".join(lines)
