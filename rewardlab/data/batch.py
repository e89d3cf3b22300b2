"""The problems of one iteration."""

from typing import Any, NamedTuple

from jaxtyping import Array


class Batch(NamedTuple):
    """B problems: what goes to the devices, and what only the host can read.

    `arrays` are numbers, [B, ...]; scorers may read any of them. `facts` are text,
    messages and nested answers, a list of B for each name.
    """

    arrays: dict[str, Array]
    facts: dict[str, list[Any]]
