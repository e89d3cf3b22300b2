"""Learners on pairs, whole, by name: the pairs, their gaps and what is made of them.

Written from shenao-zhang/SELM, the authors' TGDPO and CREAM, and the papers' equations
of DPO, IPO, T-REG and SPORT; facebookresearch/sweet_rl.
"""

import math

import numpy as np
import pytest
from row_oracles import centred, on_tokens
from rows import agrees, batch, episodes

DRAWS = np.random.default_rng(8)
LOGPS = {
    name: -DRAWS.exponential(size=(8, 8))
    for name in ("prm_logp", "strong_logp", "weak_logp", "previous_logp")
}


def down(x):
    """-log sigmoid(x)."""
    return math.log1p(math.exp(-x))


def advantage(b):
    return on_tokens(b, centred(b, b.signals["correct"]))


def ratio(b, i, ref, weight=lambda i, t: 1.0):
    """The weighted sum of log pi - log ref over a row's own tokens."""
    return sum(weight(i, t) * (b.logp[i, t] - ref[i, t]) for t in tokens(b, i))


def tokens(b, i):
    return np.flatnonzero(b.mask[i]).tolist()


def told_apart(b):
    """(better, worse) of every prompt."""
    y, rows = b.signals["correct"], [i for i, _ in b.rows()]
    return [(i, j) for i in rows for j in b.members(i) if j in rows and y[i] > y[j]]


def mean(xs):
    xs = list(xs)
    return sum(xs) / len(xs)


def test_online_dpo_and_ipo():
    b = batch(0, 1.2)

    def gaps(b):
        return [ratio(b, i, b.ref) - ratio(b, j, b.ref) for i, j in told_apart(b)]

    agrees(
        "online_dpo", b, lambda b: mean(down(0.1 * h) for h in gaps(b)), advantage(b)
    )
    agrees("ipo", b, lambda b: mean((h - 5) ** 2 for h in gaps(b)), advantage(b))


def test_selm():
    """The first best against the first worst row, by the sampler's log-probs; all rows
    are pushed away from what was drawn."""
    b = batch(1, 1.2)

    def loss(b):
        pairs = []
        for rows in ([0, 1, 2, 3], [4, 5, 6, 7]):
            y = [b.signals["correct"][i] for i in rows]
            pairs.append((rows[y.index(max(y))], rows[y.index(min(y))]))
        gap = [ratio(b, i, b.old) - ratio(b, j, b.old) for i, j in pairs]
        away = mean(ratio(b, i, b.old) for i, _ in b.rows())
        return mean(down(0.01 * h) for h in gap) + 1e-5 * away

    agrees("selm", b, loss, advantage(b))


def test_tgdpo():
    """Tokens weigh 1 +- alpha beta (log guide - log ref)."""
    b = batch(2, 1.2, prm_logp=LOGPS["prm_logp"])

    def loss(b):
        tilt = lambda i, t: 0.5 * 0.1 * (LOGPS["prm_logp"][i, t] - b.ref[i, t])  # noqa: E731
        good = {i: ratio(b, i, b.ref, lambda i, t: 1 + tilt(i, t)) for i, _ in b.rows()}
        bad = {i: ratio(b, i, b.ref, lambda i, t: 1 - tilt(i, t)) for i, _ in b.rows()}
        return mean(down(0.1 * (good[i] - bad[j])) for i, j in told_apart(b))

    agrees("tgdpo", b, loss, advantage(b))


def test_t_reg():
    """w is how wrong the pair is, read from the batch that it was made for."""
    b = batch(3, 1.2, **{k: LOGPS[k] for k in ("strong_logp", "weak_logp")})
    apart = LOGPS["strong_logp"] - LOGPS["weak_logp"]
    token = 1 / (1 + np.exp(-apart)) - 0.5
    gap = lambda b, i, j: ratio(b, i, b.ref) - ratio(b, j, b.ref)  # noqa: E731
    wrong = {p: 1 / (1 + math.exp(0.1 * gap(b, *p))) for p in told_apart(b)}

    def loss(b):
        pull = {
            i: sum(token[i, t] * b.logp[i, t] for t in tokens(b, i))
            for i, _ in b.rows()
        }
        return mean(
            down(0.1 * gap(b, i, j)) - 0.25 * wrong[i, j] * 0.1 * (pull[i] + pull[j])
            for i, j in told_apart(b)
        )

    agrees("t_reg", b, loss, advantage(b))


def siblings(seed, **signals):
    """Rows 0 and 1, and 4, 5 and 6, share their first step."""
    b = episodes(seed, 1.2, **signals)
    node = np.where(b.step >= 0, 10 * np.arange(8)[:, None] + b.step, -1)
    for first, *others in ([0, 1], [4, 5, 6]):
        for i in others:
            node[i, b.step[i] == 0] = 10 * first
    b.signals["node"] = node
    return b


def of_siblings(score):
    """DPO of steps under one node, the better against the worse by the mean `score(b,
    row, step)` of their rows: each counts once, and is moved in the first of them."""

    def loss(b):
        found = {}
        for i, _ in b.rows():
            before = -1
            for k in range(int(b.step[i].max()) + 1):
                here = [t for t in tokens(b, i) if b.step[i, t] == k]
                if not here:
                    continue
                own = b.signals["node"][i, here[0]]
                mine = found.setdefault((b.group[i], own), [])
                mine.append((i, here, before, score(b, i, k)))
                before = own
        units = []
        for (group, _), rows in found.items():
            i, here, parent, _ = rows[0]
            moved = sum(b.logp[i, t] - b.ref[i, t] for t in here)
            units.append((group, parent, mean(x for *_, x in rows), moved))
        return mean(
            down(0.1 * (x[3] - y[3]))
            for x in units
            for y in units
            if x[:2] == y[:2] and x[2] > y[2]
        )

    return loss


def test_sport():
    """A step is worth the mean outcome of the rows that pass through it."""
    b = siblings(4)
    loss = of_siblings(lambda b, i, k: b.signals["correct"][i])
    agrees("sport", b, loss, advantage(b))


def test_sweet_rl():
    """A step is worth its own score, which rows that share it have, too."""
    scores = np.random.default_rng(2).normal(size=(8, 3))
    for first, *others in ([0, 1], [4, 5, 6]):
        scores[others, 0] = scores[first, 0]
    b = siblings(4, turn_score=scores)
    loss = of_siblings(lambda b, i, k: scores[i, k])
    agrees("sweet_rl", b, loss, advantage(b))


@pytest.mark.parametrize("seed", [5, 6])
def test_cream(seed):
    """The best against the worst by the sampler's own log-ratio, and as sure of it as
    both policies rank alike."""
    b = batch(seed, 1.2, previous_logp=LOGPS["previous_logp"])

    def summed(i, logp):
        return sum(logp[i, t] - b.ref[i, t] for t in tokens(b, i))

    def loss(b):
        out = []
        for rows in ([0, 1, 2, 3], [4, 5, 6, 7]):
            now = {i: summed(i, b.old) for i in rows}
            then = {i: summed(i, LOGPS["previous_logp"]) for i in rows}
            signs = [
                np.sign(now[i] - now[j]) * np.sign(then[i] - then[j])
                for i in rows
                for j in rows
                if i != j
            ]
            alike = (sum(signs) / len(signs) + 1) / 2
            best, worst = max(rows, key=now.get), min(rows, key=now.get)
            z = 0.1 * (ratio(b, best, b.ref) - ratio(b, worst, b.ref))
            out.append(alike * down(z) + (1 - alike) * down(-z))
        return mean(out)

    agrees("cream", b, loss, advantage(b))
