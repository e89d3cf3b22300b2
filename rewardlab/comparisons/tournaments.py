"""Tournaments that rank a group with few matches (ArenaRL, 2601.06487).

Each takes the size of the group and a judge, and gives rewards in [0, 1]; GRPO's
baseline follows in the sentence. A judge that asks a model should ask it in both orders
(`ranking.two_sided`) and give 5 : 5 when it fails.
"""

import itertools
import statistics

import numpy as np
from jaxtyping import Float

from rewardlab.comparisons.ranking import Judge, order_rewards, rank_rewards


def round_robin_wins(n: int, judge: Judge) -> Float[np.ndarray, " N"]:
    """Wins in n (n - 1) / 2 matches, each pair once; a tie is half a win for both."""
    wins = np.zeros(n)
    for i, j in itertools.combinations(range(n), 2):
        one, other = judge(i, j)
        share = (1 + np.sign(one - other)) / 2
        wins[i] += share
        wins[j] += 1 - share
    return wins


def round_robin(n: int, judge: Judge) -> Float[np.ndarray, " N"]:
    """Ranks by wins when everyone meets everyone: n (n - 1) / 2 matches."""
    return rank_rewards(round_robin_wins(n, judge))


def anchor_scores(n: int, judge: Judge) -> list[float]:
    """Each score against completion 0, and for 0 the mean of its own: n - 1 matches.

    The paper's anchor is the greedy completion; its code takes the first.
    """
    matches = [judge(i, 0) for i in range(1, n)]
    own = sum(score for _, score in matches) / len(matches) if matches else 0.0
    return [own, *(score for score, _ in matches)][:n]


def anchor(n: int, judge: Judge) -> Float[np.ndarray, " N"]:
    """Ranks by the scores against an anchor: n - 1 matches."""
    return rank_rewards(anchor_scores(n, judge))


def seeded_bracket(n: int) -> list[int]:
    """Seeds (0 is the best) in the order of a bracket: the best two meet last.

    1 against n, recursively, for the next power of two; seats beyond n stay empty, and
    the players move up.
    """
    seats = [0]
    while len(seats) < n:
        size = 2 * len(seats)
        seats = [seat for seed in seats for seat in (seed, size - 1 - seed)]
    return [seed for seed in seats if seed < n]


class Points:
    """The scores of all matches so far, by completion."""

    def __init__(self, n: int) -> None:
        self.scores: list[list[float]] = [[] for _ in range(n)]

    def mean(self, i: int) -> float:
        """The mean score of i; 0 before its first match."""
        own = self.scores[i]
        return statistics.mean(own) if own else 0.0

    def play(self, i: int, j: int, judge: Judge) -> tuple[int, int]:
        """(winner, loser) of a match, which is noted; a tie goes to i."""
        one, other = judge(i, j)
        self.scores[i].append(one)
        self.scores[j].append(other)
        return (i, j) if one >= other else (j, i)

    def ranked(self, some: list[int]) -> list[int]:
        """Some completions by their mean score, best first; ties as they stand."""
        return sorted(some, key=self.mean, reverse=True)


def single_elimination_order(n: int, judge: Judge) -> tuple[list[int], Points]:
    """The final ranking, from the champion down, and the points of all matches.

    Seeds are the scores against completion 0; the odd one out of a round has a bye. The
    losers of a round are ranked by their mean score, seeding included: 2 (n - 1)
    matches in all.
    """
    points = Points(n)
    if n > 1:
        for i, score in enumerate(anchor_scores(n, judge)):
            points.scores[i].append(score)
    seeds = points.ranked(list(range(n)))
    active, out = [seeds[seed] for seed in seeded_bracket(n)], []
    while len(active) > 1:
        pairs = list(zip(active[::2], active[1::2], strict=False))
        played = [points.play(i, j, judge) for i, j in pairs]
        bye = active[-1:] if len(active) % 2 else []
        # as in the code, a bye comes before the winners of its round
        active = bye + [winner for winner, _ in played]
        out.append([loser for _, loser in played])
    order = list(active)
    for losers in reversed(out):
        order += points.ranked(losers)
    return order, points


def single_elimination(n: int, judge: Judge) -> Float[np.ndarray, " N"]:
    """Seeded knock-out: the paper's choice, close to round robin in O(n) matches."""
    return order_rewards(single_elimination_order(n, judge)[0])
