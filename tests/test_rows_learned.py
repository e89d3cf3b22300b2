"""Rows of learned rewards, whole, by name: rewards, filter, loss and average.

Written from PRIME-RL/PRIME and verl's recipe, Tongyi-ConvAI/Qwen-Character (iStar),
MaxwellJryao/Process-Reward-Learning, WangHanLinHenry/SPA-RL-Agent and
sail-sg/AnytimeReasoner.
"""

import dataclasses
import math

import numpy as np
import pytest
from rows import agrees, batch, episodes, trained

DRAWS = np.random.default_rng(21)
PRM_LOGP = -DRAWS.exponential(size=(8, 8))


def to_go(b, reward):
    """The sum of what stands on each True token and after it."""
    found = np.zeros(b.mask.shape)
    for i, tokens in b.rows():
        for t in tokens:
            found[i, t] = sum(reward[i, u] for u in tokens if u >= t)
    return found


def whitened(b, a):
    """(a - mean) / sqrt(var + 1e-8) over all True tokens, M - 1 in the variance."""
    values = a[b.mask]
    mean = sum(values) / len(values)
    var = sum((x - mean) ** 2 for x in values) / (len(values) - 1)
    return np.where(b.mask, (a - mean) / math.sqrt(var + 1e-8), 0)


def scores(b):
    """log-ratios of the reward model over the greatest |return| of the batch."""
    q = np.where(b.mask, PRM_LOGP - b.ref, 0)
    return q / (np.abs(to_go(b, q)).max() + 1e-6)


def verdicts(b, i):
    return [b.signals["correct"][j] for j in b.members(i)]


@pytest.mark.parametrize("name", ["prime", "prime_like_verl"])
def test_prime(name):
    """Scores of tokens less a baseline, verdicts less the others'; both whitened.

    The paper takes the others' mean score off each score; the code has n / (n - 1) of
    the score less the sum of all mean scores over n - 1. A prompt that all rows solve
    is left out before anything is computed.
    """
    correct = np.array([1.0, 0, 0, 1, 1, 1, 1, 1])
    given = batch(0, 1.2, correct=correct, prm_logp=PRM_LOGP)
    kept = given.mask & (given.group == 0)[:, None]
    b = dataclasses.replace(given, mask=kept)
    s, a = scores(b), np.zeros(b.mask.shape)
    means = {i: sum(s[i, t] for t in tokens) / len(tokens) for i, tokens in b.rows()}
    for i, tokens in b.rows():
        others = [means[j] for j in b.members(i) if j != i]
        for t in tokens:
            if name == "prime":
                a[i, t] = s[i, t] - sum(others) / len(others)
            else:
                a[i, t] = s[i, t] * 4 / 3 - sum(means.values()) / 3
        peers = (sum(verdicts(b, i)) - correct[i]) / 3
        a[i, tokens[-1]] += correct[i] - peers
    a = whitened(b, to_go(b, a))
    loss = trained(a, dual=None if name == "prime" else 3.0)
    agrees(name, given, lambda b: loss(dataclasses.replace(b, mask=kept)), a)


def test_implicit_prm():
    """0.05 of what a step adds to the log-ratio, and the outcome: to go, less a mean.

    The estimator is a guess: the paper ranks completions by these rewards.
    """
    b = episodes(5, 1.2, prm_logp=PRM_LOGP)
    reward = np.zeros(b.mask.shape)
    for i, tokens in b.rows():
        for turn in b.turns(i):
            reward[i, turn[-1]] = 0.05 * sum(PRM_LOGP[i, t] - b.ref[i, t] for t in turn)
        reward[i, tokens[-1]] += b.signals["correct"][i]
    a = less_mean(b, to_go(b, reward))
    agrees("implicit_prm", b, trained(a), a)


def test_lare():
    """Contributions of turns to go, less the mean over the group's tokens."""
    part = DRAWS.normal(size=(8, 3))
    b = episodes(6, 1.2, contribution=part)
    reward = np.zeros(b.mask.shape)
    for i in range(8):
        for k, turn in enumerate(b.turns(i)):
            reward[i, turn[-1]] = part[i, k]
    a = less_mean(b, to_go(b, reward))
    agrees("lare", b, trained(a), a)


def less_mean(b, a):
    """a less its mean over the True tokens of the row's group."""
    found = np.zeros(b.mask.shape)
    for i, tokens in b.rows():
        values = [a[j, t] for j in b.members(i) for t in np.flatnonzero(b.mask[j])]
        found[i, tokens] = a[i, tokens] - sum(values) / len(values)
    return found


def test_oprl():
    """Outcomes of episodes and scores of actions, each less a mean, times n / (n - 1).

    The mean score is that of first actions only.
    """
    b = episodes(1, 1.2, prm_logp=PRM_LOGP)
    score = {
        (i, k): sum(PRM_LOGP[i, t] - b.old[i, t] for t in turn)
        for i in range(8)
        for k, turn in enumerate(b.turns(i))
    }
    most = max(abs(0.05 * x) for x in score.values()) + 1e-6
    score = {p: 0.05 * x / most for p, x in score.items()}
    a = np.zeros(b.mask.shape)
    for (i, k), x in score.items():
        first = [score[j, 0] for j in b.members(i)]
        outcome = b.signals["correct"][i] - sum(verdicts(b, i)) / 4
        a[i, b.turns(i)[k]] = (outcome + x - sum(first) / 4) * 4 / 3
    agrees("oprl", b, trained(a, dual=3.0, entropy=0.001), a)


@pytest.mark.parametrize("name", ["prl", "prl_at_step_ends"])
def test_prl(name):
    """The outcome in standard units less 0.005 of the drift to come.

    The code reads the drift at the end of the token's step, has n - 1 in the variance
    and clips twice.
    """
    b = episodes(2, 1.2)
    paper = name == "prl"
    drift, a = to_go(b, np.where(b.mask, b.old - b.ref, 0)), np.zeros(b.mask.shape)
    for i in range(8):
        mine = verdicts(b, i)
        mean = sum(mine) / 4
        var = sum((r - mean) ** 2 for r in mine) / (4 if paper else 3)
        outcome = (b.signals["correct"][i] - mean) / (math.sqrt(var) + 1e-6)
        for turn in b.turns(i):
            for t in turn:
                a[i, t] = outcome - 0.005 * drift[i, t if paper else turn[-1]]
    agrees(name, b, trained(a, dual=None if paper else 3.0), a)


def test_spa_rl():
    """Contributions and grounding at the ends of turns, KL on tokens, GAE, whitened."""
    part, ground = DRAWS.normal(size=(2, 8, 3))
    value = DRAWS.normal(size=(8, 8))
    b = episodes(3, 1.2, contribution=part, grounding=ground, value=value)
    reward, a = -0.2 * (b.old - b.ref), np.zeros(b.mask.shape)
    for i, tokens in b.rows():
        for k, turn in enumerate(b.turns(i)):
            reward[i, turn[-1]] += part[i, k] + 0.5 * ground[i, k]
        later, ahead = 0.0, 0.0
        for t in reversed(tokens):
            later = reward[i, t] + ahead - value[i, t] + 0.95 * later
            a[i, t], ahead = later, value[i, t]
    a = whitened(b, a)
    agrees("spa_rl", b, trained(a), a)


def anytime():
    """Rows of 2 to 4 chunks of thinking, then summaries in pairs after a chunk.

    Steps 0..3 are thinking, 4..7 summaries, a token each.
    """
    b = batch(4, 1.2)
    b.step = np.full((8, 8), -1)
    for i in range(8):
        chunks = 2 + i % 3
        b.step[i, : chunks + 4] = [*range(chunks), 4, 5, 6, 7]
    b.valid = b.mask = b.step >= 0
    split = np.zeros((8, 8), int)
    split[:, 6:] = 1  # the last two follow another chunk
    b.signals |= {
        "budget_score": DRAWS.uniform(size=(8, 4)),
        "summary": DRAWS.uniform(size=(8, 8)),
        "summary_valid": np.tile(np.arange(8) >= 4, (8, 1)),
        "split": split,
    }
    return b


def test_brpo():
    """Chunks against their past and their group, summaries against their twin.

    The code's mean is over all places, True or not: a sum over rows times the limit.
    """
    b = anytime()
    x, summary = b.signals["budget_score"], b.signals["summary"]
    prior = [0.1, 0.2, 0.3, 0.4]
    returns = [
        [sum(prior[u] * row[u] for u in range(s, 4)) for s in range(4)] for row in x
    ]
    a = np.zeros((8, 8))
    for i in range(8):
        for t in np.flatnonzero(b.mask[i]):
            s = b.step[i, t]
            if s < 4:
                group = sum(returns[j][s] for j in b.members(i)) / 4
                past = [2**u * x[i, u] for u in range(s)]
                own = sum(past) / sum(2**u for u in range(s)) if s else 0
                own *= sum(prior[s:])
                a[i, t] = returns[i][s] - (s * own + (4 - s) * group) / 4
            else:
                twins = (4, 5) if s < 6 else (6, 7)
                a[i, t] = summary[i, s] - sum(summary[i, u] for u in twins) / 2
    agrees("brpo", b, trained(a, lambda b, losses: sum(losses.values()) / 64), a)
