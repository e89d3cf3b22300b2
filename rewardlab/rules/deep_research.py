"""Fathom-DeepResearch's steerable reward of searches, right or wrong."""

from rewardlab.core.intervals import need


def steerable_reward(
    correct: bool,
    formatted: bool,
    calls: int,
    redundant: int,
    searches: int,
    queries: int,
    enough_searches: int = 8,
    enough_queries: int = 16,
) -> float:
    """0.1 f + max(1 - rho, 1/2); wrong: 0.1 f + 0.2 min(1, S/8) + 0.2 min(1, Q/16).

    f is 1 if `formatted`; rho is the share of `redundant` calls among all, 0 without
    calls: a right answer is paid for thrift, a wrong one for new `searches` (S) and
    `queries` (Q) that it tried. (arXiv 2509.24107; from the paper, no code is released)
    """
    need("steerable_reward", "[0, inf)", redundant=redundant, searches=searches)
    need("steerable_reward", "[0, inf)", queries=queries)
    need("steerable_reward", "[1, inf)", enough_searches=enough_searches)
    need("steerable_reward", "[1, inf)", enough_queries=enough_queries)
    if redundant > calls:
        raise ValueError(f"{redundant} of {calls} calls are redundant; count them anew")
    form = 0.1 * formatted
    if correct:
        return form + max(1 - redundant / max(calls, 1), 0.5)
    explored = min(1, searches / enough_searches)
    return form + 0.2 * explored + 0.2 * min(1, queries / enough_queries)
