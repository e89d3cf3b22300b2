"""Tool calls against the true calls (ToolRL, 2504.13958).

A call is {"name": ..., "parameters": {...}}. Each rule gives a share in [0, 1] that
`between` stretches over a range of rewards. Calls that lack a name or parameters raise
`KeyError`; `toolrl` catches that.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from rewardlab.rules.ngrams import multiset_jaccard

Call = Mapping[str, Any]
Likeness = Callable[[Sequence[Hashable], Sequence[Hashable]], float]
Rule = Callable[[Sequence[Call], Sequence[Call]], float]


def same_list(some: Sequence[Hashable], others: Sequence[Hashable]) -> float:
    """1 if two lists are equal, in order too, else 0."""
    return float(list(some) == list(others))


def equal_calls(truth: Sequence[Call], called: Sequence[Call]) -> float:
    """1 if all calls are equal, in order too, else 0: the coarse reward."""
    return float(list(truth) == list(called))


def graded_calls(
    truth: Sequence[Call],
    called: Sequence[Call],
    likeness: Likeness = multiset_jaccard,
) -> float:
    """(names + sum over true calls of their best match) / (1 + sum (1 + parameters)).

    `names` is the likeness of the lists of names. A true call takes the best call of
    the same name that is still free: the likeness of the parameters' names plus the
    number of parameters with the right value. True calls choose in order, so this is
    not the best assignment. Equal lists give 1. `same_list` as likeness is ToolRL's
    refined reward.
    """

    def match(true: Call, call: Call) -> float:
        wanted, given = true["parameters"], call["parameters"]
        right = sum(k in given and given[k] == value for k, value in wanted.items())
        return _likeness(likeness, list(wanted.keys()), list(given.keys())) + right

    worth = [1 + len(call["parameters"]) for call in truth]
    return _matched(truth, called, match, sum(worth), likeness)


def whole_calls(
    truth: Sequence[Call],
    called: Sequence[Call],
    likeness: Likeness = multiset_jaccard,
) -> float:
    """As `graded_calls`, but a call counts 1 if it is equal and nothing in part."""

    def match(true: Call, call: Call) -> float:
        return float(true == call)

    return _matched(truth, called, match, len(truth), likeness)


def _matched(
    truth: Sequence[Call],
    called: Sequence[Call],
    match: Callable[[Call, Call], float],
    worth: int,
    likeness: Likeness,
) -> float:
    if list(truth) == list(called):
        return 1.0
    names = [[call["name"] for call in calls] for calls in (truth, called)]
    score, free = _likeness(likeness, *names), list(called)
    for true in truth:
        # the first of the best; a match of 0 uses up no call
        scores = [match(true, c) if c["name"] == true["name"] else 0.0 for c in free]
        best = max(scores, default=0.0)
        if best > 0:
            score += best
            del free[scores.index(best)]
    return score / (1 + worth)


def _likeness(likeness: Likeness, some: list, others: list) -> float:
    return 1.0 if some == others else likeness(some, others)


def between(low: float, high: float, share: float) -> float:
    """low + (high - low) * share."""
    return low + (high - low) * share
