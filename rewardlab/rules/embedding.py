"""Texts as counts of their runs of three characters, and how alike two of them are."""

import math
from collections import Counter


def trigrams(text: str) -> Counter[str]:
    """Runs of three characters, in lower case, with a space before and after.

    "ab" -> {" ab": 1, "ab ": 1}
    """
    said = f" {' '.join(text.lower().split())} "
    return Counter(said[i : i + 3] for i in range(len(said) - 2))


def likeness(one: str, other: str) -> float:
    """The cosine of two texts' trigram counts, in [0, 1]; 0 for an empty text."""
    first, second = trigrams(one), trigrams(other)
    product = sum(count * second[run] for run, count in first.items())
    lengths = (math.sqrt(sum(n * n for n in x.values())) for x in (first, second))
    total = math.prod(lengths)
    return product / total if total else 0.0
