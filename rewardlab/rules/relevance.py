"""Regularised relevance: on the topic, long enough, not repeating itself.

R^3 (arXiv 2402.03469), after a secondary source. Relevance is a retriever's score of
the answer to the question, or to a reference answer, and comes from outside.
"""

from rewardlab.core.intervals import need


def length_share(text: str, words: int = 100) -> float:
    """Number of words / 100: the length incentive. Lengths are in words."""
    need("length_share", "[1, inf)", words=words)
    return len(text.split()) / words


def distinct_trigrams(text: str) -> float:
    """Distinct word trigrams / word trigrams; 0 for fewer than three words."""
    words = text.split()
    trigrams = list(zip(words, words[1:], words[2:], strict=False))
    return len(set(trigrams)) / len(trigrams) if trigrams else 0.0


def open_ended(relevance: float, text: str) -> float:
    """relevance * length share * distinct trigrams: no one answer is right."""
    return relevance * length_share(text) * distinct_trigrams(text)


def closed_ended(relevance: float, text: str) -> float:
    """relevance * distinct trigrams: `relevance` to a reference, already interpolated.

    The interpolation F of that relevance is not specified in the source.
    """
    return relevance * distinct_trigrams(text)
