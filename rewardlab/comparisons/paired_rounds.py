"""Tournaments whose pairings are drawn at random: Swiss and double elimination.

The order of draws is that of the code of ArenaRL (2601.06487): the same `seed` pairs
alike.
"""

import math
import random

import numpy as np
from jaxtyping import Float

from rewardlab.comparisons.ranking import Judge, order_rewards
from rewardlab.comparisons.tournaments import Points
from rewardlab.core.intervals import need


def swiss(
    n: int, judge: Judge, seed: int = 0, rounds: int = 0, as_released: bool = False
) -> Float[np.ndarray, " N"]:
    """Players meet those with as many points; 1, 1/2 or 0 a match, and 1 for a bye.

    ceil(log2 n) rounds unless said otherwise. Ranked by points and then by the sum of
    the opponents' points (Buchholz); ties share the mean of their places' rewards.
    The released code credits whoever stands in place i of its shuffled list, not
    completion i, so rewards go to others; `as_released` does that too.
    """
    need("swiss", "[0, inf)", rounds=rounds)
    draw = random.Random(seed)
    points, met = np.zeros(n), [set[int]() for _ in range(n)]
    players = list(range(n))
    place = players if as_released else list(range(n))
    for _ in range(min(rounds or math.ceil(math.log2(max(n, 1))), n - 1)):
        draw.shuffle(players)
        waiting = sorted(players, key=lambda i: points[i], reverse=True)
        bye = waiting.pop() if n % 2 else None
        pairs = _pairs(waiting, met)
        scores = [judge(i, j) for i, j in pairs]
        for (i, j), (one, other) in zip(pairs, scores, strict=True):
            share = (1 + np.sign(one - other)) / 2
            points[place[i]] += share
            points[place[j]] += 1 - share
            met[place[i]].add(j)
            met[place[j]].add(i)
        if bye is not None:
            points[place[bye]] += 1
    buchholz = [sum(points[place[j]] for j in some) for some in met]
    return shared_rewards(list(zip(points.tolist(), buchholz, strict=True)))


def shared_rewards(keys: list[tuple[float, float]]) -> Float[np.ndarray, " N"]:
    """1 - place / (n - 1) in the order of the keys, ties at the mean of their places.

    One alone gets 0.
    """
    n = len(keys)
    better = np.array([sum(other > key for other in keys) for key in keys])
    level = np.array([keys.count(key) for key in keys])
    place = better + (level - 1) / 2
    return 1 - place / (n - 1) if n > 1 else np.zeros(n)


def _pairs(waiting: list[int], met: list[set[int]]) -> list[tuple[int, int]]:
    """Each with the first who is still free and was not met, or else the first free."""
    free, pairs = list(waiting), []
    while len(free) > 1:
        i = free.pop(0)
        j = next((k for k in free if k not in met[i]), free[0])
        free.remove(j)
        pairs.append((i, j))
    return pairs


def double_elimination(n: int, judge: Judge, seed: int = 0) -> Float[np.ndarray, " N"]:
    """Out after two defeats; the champions of both brackets meet at the end.

    Those who leave in the same round are ranked by their mean score.
    """
    draw, points = random.Random(seed), Points(n)

    def play_round(some: list[int]) -> tuple[list[int], list[int]]:
        pool = list(some)
        draw.shuffle(pool)
        pairs = []
        while len(pool) > 1:
            pairs.append((pool.pop(), pool.pop()))
        played = [points.play(i, j, judge) for i, j in pairs]
        return pool + [winner for winner, _ in played], [loser for _, loser in played]

    winners, drops = list(range(n)), []
    while len(winners) > 1:
        winners, losers = play_round(winners)
        drops.append(losers)
    second, out = list[int](), []
    for dropped in drops:
        second = second + dropped
        if len(second) > 1:
            second, losers = play_round(second)
            out.append(losers)
    while len(second) > 1:
        second, losers = play_round(second)
        out.append(losers)
    order = winners
    if second:
        order = [i for side in play_round(winners + second) for i in side]
    for losers in reversed(out):
        order += points.ranked(losers)
    return order_rewards(order)
