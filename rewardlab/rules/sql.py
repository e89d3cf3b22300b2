"""Reasoning-SQL: how much of a query is in the true one (2503.23157).

Partial rewards beside execution and a judge; their weights in the paper are not known
to us, so the sum is left to a sentence.
"""

from rewardlab.rules.ngrams import jaccard, ngrams


def token_overlap(query: str, truth: str) -> float:
    """|A and B| / |A or B| of the sets of words between spaces."""
    return jaccard(query.split(), truth.split())


def ngram_overlap(query: str, truth: str, n: int = 2) -> float:
    """The same of the sets of n-grams of words."""
    return jaccard(ngrams(query.split(), n), ngrams(truth.split(), n))
