"""Problems as what goes to the devices and what stays on the host."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int


class Batch(NamedTuple):
    """B problems: what goes to the devices, and what only the host can read.

    `arrays` are numbers, [B, ...]; scorers may read any of them. `facts` are text,
    messages and nested answers, a list of B for each name.
    """

    arrays: dict[str, Any]
    facts: dict[str, list[Any]]

    @property
    def size(self) -> int:
        """B."""
        return len(self.arrays["id"])

    @property
    def columns(self) -> dict[str, Any]:
        """Arrays and facts by their names, for what reads a problem as a whole."""
        return {**self.arrays, **self.facts}

    @property
    def on_device(self) -> "Batch":
        """Without the facts: an argument of a compiled program."""
        return Batch(self.arrays, {})

    def take(self, rows: Int[np.ndarray, " b"]) -> "Batch":
        """Some of the problems, by their numbers."""
        facts = {name: [x[row] for row in rows] for name, x in self.facts.items()}
        return Batch({name: x[rows] for name, x in self.arrays.items()}, facts)


def batch_of(columns: dict[str, np.ndarray]) -> Batch:
    """Columns as problems: numbers are arrays, whatever else is a fact.

    batch_of({"id": [0, 1], "truth": ["a", "b"]}).facts == {"truth": ["a", "b"]}
    """
    arrays = {name: np.asarray(x) for name, x in columns.items()}
    facts = {name: x for name, x in arrays.items() if x.dtype.kind not in "biuf"}
    numbers = {name: x for name, x in arrays.items() if name not in facts}
    return Batch(numbers, {name: x.tolist() for name, x in facts.items()})
