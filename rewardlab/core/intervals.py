"""Numbers that a function has no meaning for are refused when they are given."""

from typing import Any


def need(what: str, interval: str, **given: Any) -> None:
    """`ValueError` unless each number lies in an interval such as "[0, 1)".

    Schedules and arrays pass: their numbers are not known yet.
    """
    low, high = map(float, interval[1:-1].split(","))
    for name, value in given.items():
        if not isinstance(value, int | float):
            continue
        above = value > low or (interval[0] == "[" and value == low)
        below = value < high or (interval[-1] == "]" and value == high)
        if not (above and below):
            said = f"{what} has no meaning with {name}={value!r}"
            raise ValueError(f"{said}; give {name} in {interval}")
