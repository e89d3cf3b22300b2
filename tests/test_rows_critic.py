"""Rows with a critic, whole, by name.

Written from verl's GAE, GuanxingLu/vlarl, McGill-NLP/VinePPO,
eddycmu/demystify-long-cot and YifeiZhou02/ArCHer; `agent_prm` from its formula.
"""

import math

import numpy as np
import pytest
from rows import (
    against_group,
    agrees,
    batch,
    episodes,
    ppo,
    sequence_mean,
    token_mean,
    trained,
)

DRAWS = np.random.default_rng(31)
VALUE = DRAWS.normal(size=(8, 8))
STEP_VALUE = DRAWS.uniform(size=(8, 3))


def whitened(b, a):
    """(a - mean) / sqrt(var + 1e-8) over all True tokens, M - 1 in the variance."""
    values = a[b.mask]
    mean = sum(values) / len(values)
    var = sum((x - mean) ** 2 for x in values) / (len(values) - 1)
    return np.where(b.mask, (a - mean) / math.sqrt(var + 1e-8), 0)


def at_the_end(b):
    """The outcome on the last token of its row, [N, T]."""
    paid = np.zeros(b.mask.shape)
    for i, tokens in b.rows():
        paid[i, tokens[-1]] = b.signals["correct"][i]
    return paid


def of_tokens(b, decay, paid=None):
    """GAE over the tokens, undiscounted; `decay(l)` of a row of l; whitened."""
    a, paid = np.zeros(b.mask.shape), at_the_end(b) if paid is None else paid
    for i, tokens in b.rows():
        later, ahead = 0.0, 0.0
        for t in reversed(tokens):
            reward = paid[i, t]
            later = reward + ahead - VALUE[i, t] + decay(len(tokens)) * later
            a[i, t], ahead = later, VALUE[i, t]
    return whitened(b, a)


@pytest.mark.parametrize("name", ["gae", "vc_ppo"])
def test_gae(name):
    """discount 1, decay 0.95, over the policy's tokens; then whitened."""
    b = episodes(0, 1.2, value=VALUE)
    a = of_tokens(b, lambda length: 0.95)
    agrees(name, b, trained(a), a)


def test_abc():
    """Paid token by token, less 0.05 (log pi_old - log pi_ref); GAE of decay 0.95."""
    paid = DRAWS.normal(size=(8, 8))
    b = episodes(2, 1.2, value=VALUE, token_reward=paid)
    a = of_tokens(b, lambda length: 0.95, paid - 0.05 * (b.old - b.ref))
    agrees("abc", b, trained(a), a)


@pytest.mark.parametrize("alpha", [0.05, 0.5])
def test_vapo(alpha):
    """The decay of a row goes with its length, the clip is wider above, and right rows
    are learned by heart: 0.1 of the mean of -log pi over their own tokens."""
    b = batch(4, 1.2, value=VALUE)
    right, tokens = b.signals["correct"] > 0, b.mask.sum(axis=1)
    b.signals["positive"] = np.where(right, tokens.sum() / tokens[right].sum(), 0)
    a = of_tokens(b, lambda length: max(0.0, 1 - 1 / (alpha * length)))
    surrogate = trained(a, high=0.28)

    def oracle(b):
        nll = [-b.logp[i, t] for i, tokens in b.rows() if right[i] for t in tokens]
        return surrogate(b) + 0.1 * sum(nll) / len(nll)

    agrees("vapo", b, oracle, a, **{"hp.alpha": alpha})


def of_turns(b, discount, decay):
    """GAE over turns, on each turn's tokens; the last turn is paid the outcome."""
    a = np.zeros(b.mask.shape)
    for i in range(8):
        later, ahead, reward = 0.0, 0.0, b.signals["correct"][i]
        for k, turn in reversed(list(enumerate(b.turns(i)))):
            value = STEP_VALUE[i, k]
            later = reward + discount * ahead - value + discount * decay * later
            a[i, turn], ahead, reward = later, value, 0.0
    return a


def test_vla_rl():
    """An action's ratio is the product of its tokens'; one clip for all of them."""
    b = episodes(1, 0.6, step_value=STEP_VALUE)
    a = of_turns(b, 0.99, 0.95)

    def oracle(b):
        losses = {}
        for i in range(8):
            for turn in b.turns(i):
                ratio = math.exp(sum(b.logp[i, t] - b.old[i, t] for t in turn))
                losses |= {(i, t): ppo(a[i, t], ratio) for t in turn}
        return token_mean(b, losses)

    agrees("vla_rl", b, oracle, a)


def test_an_action_has_one_ratio():
    """Tokens at 0.15 and 0.15 are within 1.2 each; the action, at 1.35, is not."""
    b = episodes(1, step_value=np.zeros((8, 3)), correct=np.ones(8))
    b.step = np.where(b.valid, 0, -1)
    b.mask = b.valid
    b.mask[:, 2:] = False
    b.logp = b.old + 0.15
    a = np.where(b.mask, 1.0, 0)
    pairs = b.mask.sum(axis=1) == 2
    assert pairs.any()

    def oracle(b):
        losses = {}
        for i, tokens in b.rows():
            ratio = math.exp(sum(b.logp[i, t] - b.old[i, t] for t in tokens))
            losses |= {(i, t): -min(ratio, 1.2) for t in tokens}
        return token_mean(b, losses)

    agrees("vla_rl", b, oracle, a)


def test_vineppo():
    """What a turn adds to the success of fresh episodes, whitened; KL by token here."""
    b = episodes(2, 1.2, step_value=STEP_VALUE)
    a = whitened(b, of_turns(b, 1.0, 0.0))
    agrees("vineppo", b, trained(a, kl=1e-4), a)


def test_archer():
    """What a turn is worth beyond its state, on its tokens; the plain policy gradient,
    a mean over rows of the sum over all their tokens."""
    advantage = np.random.default_rng(5).normal(size=(8, 3))
    b = episodes(3, turn_advantage=advantage)
    a = np.zeros(b.mask.shape)
    for i, _ in b.rows():
        for k, turn in enumerate(b.turns(i)):
            a[i, turn] = advantage[i, k]

    def oracle(b):
        rows = [sum(-a[i, t] * b.logp[i, t] for t in own) for i, own in b.rows()]
        return sum(rows) / len(rows)

    agrees("archer", b, oracle, a)


def test_multi_discount():
    """Each reward over its own horizon, beyond the critic; by sequence.

    All tokens are the same, so from the second on each is in a 2-gram seen before.
    """
    b = batch(3, 1.2, value=VALUE)
    a = np.zeros(b.mask.shape)
    for i, tokens in b.rows():
        slow = 0.0
        for t in reversed(tokens):
            slow = (-0.05 if t and len(tokens) > 2 else 0.0) + 0.99 * slow
            a[i, t] = b.signals["correct"][i] + slow - VALUE[i, t]
    agrees("multi_discount", b, trained(a, sequence_mean), a, **{"hp.size": 2})


def test_agent_prm():
    """z(R) of the row and the progress of each turn that one is told of."""
    rng = np.random.default_rng(31)
    heard = rng.random((8, 3)) < 0.8
    progress = np.where(heard, rng.normal(size=(8, 3)), np.nan)
    b = episodes(2, turn_progress=progress, turn_progress_valid=heard)
    a = against_group(b, b.signals["correct"], eps=1e-6)
    for i, _ in b.rows():
        for k, turn in enumerate(b.turns(i)):
            a[i, turn] += progress[i, k] if heard[i, k] else 0
    agrees("agent_prm", b, trained(a), a)
