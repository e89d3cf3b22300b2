"""Win rates, minimax winners, tournaments and votes: small cases and invariants."""

import math

import numpy as np
import pytest

from rewardlab.comparisons import ranking
from rewardlab.comparisons.minimax import minimax_winner
from rewardlab.comparisons.paired_rounds import (
    double_elimination,
    shared_rewards,
    swiss,
)
from rewardlab.comparisons.tournaments import (
    anchor,
    anchor_scores,
    round_robin,
    round_robin_wins,
    seeded_bracket,
    single_elimination,
    single_elimination_order,
)
from rewardlab.comparisons.win_rate import win_rate, win_rate_of_verdicts

TOURNAMENTS = (round_robin, anchor, single_elimination, swiss, double_elimination)


def preferences(rng, n, ties=False):
    """P with P + P^T = 1; with `ties` in {0, 1/2, 1}."""
    p = rng.integers(0, 3, (n, n)) / 2 if ties else rng.random((n, n))
    return np.triu(p, 1) + np.tril(1 - p.T, -1) + np.eye(n) / 2


@pytest.mark.parametrize("seed", range(4))
def test_win_rates(seed):
    """Means over the others, in a loop; of a group 1/2; permuted with the items."""
    rng = np.random.default_rng(seed)
    p = preferences(rng, 6)
    got = win_rate(p)
    for i in range(6):
        others = [p[i, j] for j in range(6) if j != i]
        np.testing.assert_allclose(got[i], np.mean(others), rtol=1e-12)
        own = win_rate(p, with_self=True)[i]
        np.testing.assert_allclose(own, np.mean([*others, 0.5]), rtol=1e-12)
    np.testing.assert_allclose(got.mean(), 0.5, rtol=1e-12)
    order = rng.permutation(6)
    np.testing.assert_allclose(win_rate(p[np.ix_(order, order)]), got[order])
    assert win_rate([[0.5]]).tolist() == [0.5] and win_rate(np.zeros((0, 0))).size == 0


def test_win_rates_of_verdicts():
    """A tie and an unreadable verdict are half a win; never compared is 0."""
    verdicts = [(0, 1, 1), (0, 2, 0), (1, 2, None), (2, 3, -1)]
    got = win_rate_of_verdicts(5, verdicts)
    np.testing.assert_allclose(got, [0.75, 0.25, 1 / 3, 1.0, 0.0])
    assert win_rate_of_verdicts(5, verdicts, decimals=3)[2] == 0.333


@pytest.mark.parametrize("seed", range(40))
def test_nobody_beats_the_minimax_winner(seed):
    """Against every completion the winner has at least 1/2: the value of the game."""
    rng = np.random.default_rng(seed)
    p = preferences(rng, int(rng.integers(1, 12)), ties=seed % 2)
    winner = minimax_winner(p)
    np.testing.assert_allclose(winner.sum(), 1, rtol=1e-12)
    assert winner.min() >= 0 and np.min(winner @ (p - 0.5)) > -1e-9


def test_minimax_winners_that_are_known():
    """Rock, paper, scissors: a third each; who beats all takes all."""
    cycle = [[0.5, 1, 0], [0, 0.5, 1], [1, 0, 0.5]]
    np.testing.assert_allclose(minimax_winner(cycle), 1 / 3, rtol=1e-12)
    best = [[0.5, 0.6, 0.9], [0.4, 0.5, 0.1], [0.1, 0.9, 0.5]]
    assert minimax_winner(best).tolist() == [1, 0, 0]
    assert minimax_winner(np.zeros((0, 0))).size == 0
    with pytest.raises(ValueError, match="square"):
        minimax_winner(np.zeros((2, 3)))


def test_seeded_brackets():
    """Neighbours of a full bracket add up to n - 1; the best two meet last."""
    for n in (2, 4, 8, 16):
        seats = seeded_bracket(n)
        assert all(a + b == n - 1 for a, b in zip(seats[::2], seats[1::2], strict=True))
        assert {seats.index(0) < n // 2, seats.index(1) < n // 2} == {True, False}
    for n in range(20):
        assert sorted(seeded_bracket(n)) == list(range(n))


def skilled(skill):
    """A judge of strengths: who is stronger scores more, by the same in every match."""
    return lambda i, j: (5 + skill[i] - skill[j], 5 + skill[j] - skill[i])


@pytest.mark.parametrize("n", range(2, 11))
def test_the_strongest_wins_every_tournament(n):
    """With consistent strengths; a round robin even finds the whole order."""
    rng = np.random.default_rng(n)
    skill = rng.permutation(n).astype(float)
    for play in TOURNAMENTS:
        rewards = play(n, skilled(skill))
        assert rewards.min() >= 0 and rewards.max() == 1
        if play is not swiss:  # whose champion may share the first place
            assert rewards.argmax() == skill.argmax()
            np.testing.assert_allclose(rewards.mean(), 0.5, rtol=1e-12)
        if play is round_robin:
            np.testing.assert_allclose(rewards, skill / (n - 1), rtol=1e-12)


def test_one_and_nobody():
    for play in TOURNAMENTS:
        assert play(1, skilled([0.0])).tolist() == [0.0]
        assert play(0, skilled([])).size == 0


def test_everyone_equal():
    """Ranks are equal, so rewards are 0; a knock-out goes by the bracket.

    Its seats are 0 3 4 1 2. 2 has a bye and beats 0, then 4 has one and beats 2.
    """
    judge = skilled(np.zeros(5))
    assert not round_robin(5, judge).any() and not anchor(5, judge).any()
    assert round_robin_wins(5, judge).tolist() == [2.0] * 5
    assert single_elimination_order(5, judge)[0][:2] == [4, 2]


def test_anchor_by_hand():
    """Scores 7, 4, 5 against the first, whose own are 3, 6, 5: mean 14 / 3."""
    table = np.array([[0, 3, 6, 5], [7, 0, 0, 0], [4, 0, 0, 0], [5, 0, 0, 0.0]])
    judge = ranking.table_judge(table)
    assert anchor_scores(4, judge) == [14 / 3, 7, 4, 5]
    np.testing.assert_allclose(anchor(4, judge), [1 / 3, 1, 0, 2 / 3])
    np.testing.assert_allclose(ranking.rank_rewards([2, 3, 3, 1]), [1 / 3, 1, 1, 0])


def test_a_knock_out_of_five():
    """Seeds by strength: 4, 3 and the bye move on; the losers' order is by points."""
    order, points = single_elimination_order(5, skilled(np.arange(5.0)))
    assert order[0] == 4 and sorted(order) == list(range(5))
    assert len(points.scores[4]) >= 3  # the seeding, a round, the final


def test_two_sided_judges_add_both_orders():
    judge = ranking.two_sided(lambda i, j: (6.0 + i, 4.0 + j))  # the first is favoured
    assert judge(1, 2) == (7.0 + 5.0, 6.0 + 8.0)


def test_swiss_as_released_is_a_bug_of_places():
    """Honest places give the strongest the most points; the released code need not."""
    judge = skilled(np.arange(8.0))
    assert swiss(8, judge).argmax() == 7
    assert any(swiss(8, judge, s, as_released=True).argmax() != 7 for s in range(8))
    keys = [(2.0, 1.0), (1.0, 3.0), (1.0, 3.0), (0.0, 0.0)]
    np.testing.assert_allclose(shared_rewards(keys), [1, 0.5, 0.5, 0])


def test_what_is_no_number_beats_nobody():
    """A NaN compares with nothing, so it would come first; rounds below 0 play none."""
    for scores in ([0.5, math.nan], np.full(3, math.nan)):
        with pytest.raises(ValueError, match="a score that is NaN"):
            ranking.rank_rewards(scores)
    with pytest.raises(ValueError, match="a preference that is no number"):
        minimax_winner(np.array([[0.5, math.nan], [0.5, 0.5]]))
    with pytest.raises(ValueError, match="rounds=-1"):
        swiss(3, ranking.table_judge(np.eye(3)), rounds=-1)


@pytest.mark.parametrize("n", [2, 3, 8, 9])
def test_swiss_rounds(n):
    """ceil(log2 n) rounds of everyone but a bye, and who has met waits for others."""
    met = []

    def judge(i, j):
        met.append((i, j))
        return float(i > j), float(j > i)

    swiss(n, judge)
    rounds = min(int(np.ceil(np.log2(n))), n - 1)
    assert len(met) == rounds * (n // 2)
    for k in range(rounds):
        players = [i for pair in met[k * (n // 2) : (k + 1) * (n // 2)] for i in pair]
        assert len(set(players)) == len(players) == n - n % 2
    first, second = met[: n // 2], met[n // 2 : 2 * (n // 2)]
    # of each round only the last, who have nobody else, may meet again
    again = [set(pair) for pair in second[:-1] if pair in first or pair[::-1] in first]
    assert not again
