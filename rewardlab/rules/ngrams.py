"""Sets and counts of n-grams: overlap and repetition."""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence

from rewardlab.core.intervals import need


def ngrams(items: Sequence[Hashable], n: int) -> list[tuple]:
    """The runs of n neighbours, in order; none if there are fewer than n items."""
    need("ngrams", "[1, inf)", n=n)
    return [tuple(items[i : i + n]) for i in range(len(items) - n + 1)]


def jaccard(some: Iterable[Hashable], others: Iterable[Hashable]) -> float:
    """|A and B| / |A or B| of two sets; 1 if both are empty."""
    one, other = set(some), set(others)
    return len(one & other) / len(one | other) if one | other else 1.0


def multiset_jaccard(some: Sequence[Hashable], others: Sequence[Hashable]) -> float:
    """sum min(counts) / (n + m - sum min(counts)); 1 if both are empty.

    Order does not count, repetition does.
    """
    common = (Counter(some) & Counter(others)).total()
    return common / (len(some) + len(others) - common) if some or others else 1.0


def repetition(text: str, n: int) -> float:
    """1 - distinct / all n-grams of lower-cased words (2502.03373), in [0, 1).

    0 for a text of fewer than n words, where the paper's code divides by 0.
    """
    runs = ngrams(text.lower().split(), n)
    return 1 - len(set(runs)) / len(runs) if runs else 0.0


def repetition_penalty(text: str, n: int = 40, most: float = -0.5) -> float:
    """most * repetition(text, n): an [N] signal for wrong answers; `most` is <= 0."""
    if most > 0:
        raise ValueError(f"the penalty {most} pays for repetition; give most <= 0")
    return most * repetition(text, n)


def repeated_kinds(text: str, n: int = 20) -> float:
    """Distinct n-grams of words that occur again, over all n-grams (2505.22653).

    One word without end has a single distinct n-gram, and a share close to 0: mild
    repetition costs more than a loop.
    """
    runs = ngrams(text.split(), n)
    repeated = sum(count > 1 for count in Counter(runs).values())
    return repeated / len(runs) if runs else 0.0
