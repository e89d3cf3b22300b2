"""Comparators: words of `scorers` that judge a prompt's completions by one another.

`judge` is a signal [N], whose greater value wins, one [N, G-1] of chances to beat each
other completion, as `versus()` makes `preference`, or `package.module:function`, which
is called as f(prompt, first, second, **facts) and gives the chance, in [0, 1], that the
first text is the better answer: 1 it is, 1/2 a tie. All are asked on the host.
"""

import functools
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from absl import logging
from jaxtyping import Float

from rewardlab.comparisons import paired_rounds, tournaments
from rewardlab.comparisons.minimax import minimax_winner
from rewardlab.comparisons.ranking import UNDECIDED, Judge, two_sided
from rewardlab.comparisons.win_rate import win_rate as share_won
from rewardlab.core.lookup import imported, place_of
from rewardlab.core.types import Rollout
from rewardlab.data.batch import Batch
from rewardlab.data.columns import ASKED
from rewardlab.rules.texts import own_words
from rewardlab.scorers.protocol import Context, Scorer, Setting
from rewardlab.scorers.text_rewards import questions
from rewardlab.scorers.verifier import Maker
from rewardlab.system.answers import number

Places = Float[np.ndarray, "..."]
Ranking = Callable[[int, Judge, int], Places]  # of n completions, with a seed


def beats(judge: str) -> Maker:
    """`beats` [N, G-1]: 1 won, 1/2 tie, 0 lost against each other of the G completions.

    Its average is the win rate. (Pref-GRPO, arXiv 2508.20751)

    beats('correct'): verdicts 1, 0, 0 -> (1, 1), (0, 1/2), (0, 1/2)
    """

    def against(n: int, meet: Judge, seed: int) -> Places:
        return _others((1 + np.sign(_chances(n, meet) - 0.5)) / 2)

    return comparator("beats", judge, against, several=True)


def preference(judge: str) -> Maker:
    """`preference` [N, G-1]: the chance to be preferred to each other completion.

    Of scores it is 1, 1/2 or 0, as `beats`; a judge may be less sure. (SPO, arXiv
    2401.04056)

    preference('mine:judge'): where it gives 0.8 for the first of two -> (0.8,), (0.2,)
    """

    def against(n: int, meet: Judge, seed: int) -> Places:
        return _others(_chances(n, meet))

    return comparator("preference", judge, against, several=True)


def win_rate(judge: str) -> Maker:
    """`win_rate` [N]: the mean chance to be preferred to the others, 1/2 of one alone.

    win_rate('correct'): verdicts 1, 0, 0 -> 1, 1/4, 1/4
    """
    rate = lambda n, meet, seed: share_won(_chances(n, meet))  # noqa: E731
    return comparator("win_rate", judge, rate)


def minimax(judge: str) -> Maker:
    """`minimax` [N]: the share of each in the mixture that no completion beats.

    One that beats all others has 1; rock, paper and scissors a third each. (SPO, arXiv
    2401.04056)

    minimax('correct'): verdicts 1, 0, 0 -> 1, 0, 0
    """
    winner = lambda n, meet, seed: minimax_winner(_chances(n, meet))  # noqa: E731
    return comparator("minimax", judge, winner)


def round_robin(judge: str) -> Maker:
    """`placement` [N]: ranks by wins where all meet all, from 1 down to 0.

    round_robin('correct'): verdicts 1, 0, 0 -> 1, 0, 0
    """
    rank = lambda n, meet, seed: tournaments.round_robin(n, meet)  # noqa: E731
    return comparator("placement", judge, rank)


def against_first(judge: str) -> Maker:
    """`placement` [N]: ranks by the scores of n - 1 matches against the first one.

    against_first('correct'): verdicts 0, 1, 0 -> 0, 1, 1/2 where a tie scores 1/2
    """
    rank = lambda n, meet, seed: tournaments.anchor(n, meet)  # noqa: E731
    return comparator("placement", judge, rank)


def single_elimination(judge: str) -> Maker:
    """`placement` [N]: a seeded knock-out of 2 (n - 1) matches, the paper's choice.

    1 for the champion, then down in equal steps to 0. (ArenaRL, arXiv 2601.06487)

    single_elimination('correct'): verdicts 0, 1 -> 0, 1
    """
    rank = lambda n, meet, seed: tournaments.single_elimination(n, meet)  # noqa: E731
    return comparator("placement", judge, rank)


def double_elimination(judge: str) -> Maker:
    """`placement` [N]: out after two defeats, with pairs drawn anew in each iteration.

    double_elimination('correct'): verdicts 0, 1 -> 0, 1
    """
    return comparator("placement", judge, paired_rounds.double_elimination)


def swiss(judge: str) -> Maker:
    """`placement` [N]: ceil(log2 n) rounds among those with as many points.

    Pairs are drawn anew in each iteration; ties share the mean of their places.

    swiss('correct'): verdicts 0, 1 -> 0, 1
    """
    return comparator("placement", judge, paired_rounds.swiss)


def comparator(name: str, judge: str, ranking: Ranking, several: bool = False) -> Maker:
    """A scorer that gives `ranking(n, judge, seed)` of each prompt's n completions.

    Empty rows meet nobody: they have 0, and `name_valid` is False there. With
    `several`, a ranking has n - 1 numbers a row.
    """
    place = place_of(judge, "judge")
    function = None if place is None else imported(place, "judge")
    reads = (judge,) if function is None else ()

    def make(setting: Setting) -> Scorer:
        def score(
            state: Any, context: Context, rollout: Rollout, batch: Batch
        ) -> dict[str, Any]:
            group, there = np.asarray(rollout.group), np.asarray(rollout.mask).any(1)
            if function is None:
                said = np.asarray(rollout.signal(judge))
                meet = _by_score(said) if said.ndim == 1 else _by_table(said, group)
            else:
                asked = questions(rollout, batch, setting.tokenizer)
                meet = two_sided(_by_text(function, asked))
            others = (np.bincount(group).max() - 1,) if several else ()
            shape = (len(group), *others)
            value, valid = np.zeros(shape, np.float32), np.zeros(shape, bool)
            for g in np.unique(group):
                rows = np.flatnonzero((group == g) & there)
                own = functools.partial(_among, rows, meet)
                seed = 1_000_003 * int(context.iteration) + int(g)
                found = ranking(len(rows), own, seed)
                at = (rows, slice(found.shape[1])) if several else rows
                value[at], valid[at] = found, True
            return {name: value, f"{name}_valid": valid}

        shape = f"N{width(setting)}" if several else "N"
        provides = {name: shape, f"{name}_valid": shape}
        return Scorer(name, provides, reads, "host", score)

    return make


def width(setting: Setting) -> int:
    """How many others a completion meets."""
    return setting.sizes["N"] // setting.sizes["B"] - 1


def _among(rows: Places, meet: Judge, i: int, j: int) -> tuple[float, float]:
    """A match of the i-th and the j-th of these rows."""
    return meet(rows[i], rows[j])


def _by_score(score: Places) -> Judge:
    """1 : 0 for the greater score, 1/2 : 1/2 for equal ones."""

    def meet(i: int, j: int) -> tuple[float, float]:
        share = float(1 + np.sign(score[i] - score[j])) / 2
        return share, 1 - share

    return meet


def _by_table(chance: Places, group: Places) -> Judge:
    """The chance to beat each other completion of the prompt, and the rest of it."""

    def meet(i: int, j: int) -> tuple[float, float]:
        others = [k for k in np.flatnonzero(group == group[i]).tolist() if k != i]
        share = chance[i].tolist()[others.index(int(j))]
        return share, 1 - share

    return meet


def _by_text(function: Callable[..., float], asked: dict[str, list]) -> Judge:
    """The judge's answers; 5 : 5, and a line in the log, where it fails."""
    facts = {k: x for k, x in asked.items() if k not in ASKED and k != "prompts"}

    def meet(i: int, j: int) -> tuple[float, float]:
        texts = [own_words(asked["completions"][n]) for n in (i, j)]
        try:
            own = {name: column[i] for name, column in facts.items()}
            chance = number(function(asked["prompts"][i], *texts, **own))
            if not 0 <= chance <= 1:
                raise ValueError(f"{chance} is no chance in [0, 1]")
        except Exception as error:  # whatever a user's function raises
            logging.warning("a judge failed: %s: %s", type(error).__name__, error)
            return UNDECIDED
        return 10 * chance, 10 * (1 - chance)

    return meet


def _chances(n: int, meet: Judge) -> Float[np.ndarray, "n n"]:
    """[i, j] is the chance that i beats j; 1/2 on the diagonal."""
    table = np.full((n, n), 0.5)
    for i, j in itertools.combinations(range(n), 2):
        one, other = meet(i, j)
        table[i, j], table[j, i] = one / (one + other), other / (one + other)
    return table


def _others(table: Float[np.ndarray, "n n"]) -> Float[np.ndarray, "n n-1"]:
    """Each row without its place on the diagonal."""
    n = len(table)
    return table[~np.eye(n, dtype=bool)].reshape(n, max(n - 1, 0))
