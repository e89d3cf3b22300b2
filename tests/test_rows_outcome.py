"""Rows that compare an outcome with its group, whole, by name."""

import numpy as np
import pytest
from row_oracles import centred, each, left_out, log_ratio, on_policy, on_tokens, plain
from rows import (
    LIMIT,
    Batch,
    agrees,
    batch,
    ppo,
    sequence_mean,
    token_mean,
    trained,
    whole,
)


def test_grpo():
    """DeepSeekMath: by sequence, with 0.04 of the unbounded k3."""
    b = batch(0, spread=1.5)
    a = on_tokens(b, centred(b, b.signals["correct"], 1e-6))
    agrees("grpo", b, trained(a, sequence_mean, kl=0.04, most=np.inf), a)


def test_dr_grpo():
    """No std; token sums over rows times the limit."""
    b = batch(1)
    a = on_tokens(b, centred(b, b.signals["correct"]))
    by_limit = lambda b, losses: sum(losses.values()) / (8 * LIMIT)  # noqa: E731
    agrees("dr_grpo", b, trained(a, by_limit), a)


def of_rows(a):
    """The oracle of PPO's clip on whole rows, the mean over rows."""

    def loss(b):
        rows = [
            ppo(a[i], np.exp(sum(log_ratio(b, i, t) for t in ts))) for i, ts in b.rows()
        ]
        return sum(rows) / len(rows)

    return loss


def test_rloo():
    """The others' mean; the row is one action, so its ratio is clipped."""
    b = batch(2, spread=0.2)
    a = left_out(b, b.signals["correct"])
    agrees("rloo", b, of_rows(a), on_tokens(b, a))


def tokens(logp, **signals):
    """One group of full rows, with these log-ratios."""
    logp = np.asarray(logp, float)
    mask, zero = np.ones(logp.shape, bool), np.zeros(logp.shape)
    signals = {k: np.asarray(v, float) for k, v in signals.items()}
    return Batch(mask, np.zeros(len(mask), int), zero, zero, logp, zero, signals)


def test_rloo_clips_a_row_of_small_ratios():
    """0.15 twice is 0.3, and e^0.3 = 1.35 is over 1.2: no gradient where A = 1."""
    _, loss, gradient = whole("rloo", tokens([[0.15, 0.15], [0, 0]], correct=[1, 0]))
    np.testing.assert_allclose(loss, (-1.2 + 1) / 2, rtol=1e-12)
    np.testing.assert_allclose(gradient, [[0, 0], [0.5, 0.5]], atol=1e-12)


def test_remax():
    """The greedy completion's reward off; -A log pi, by token."""
    greedy = np.array([0.0, 0, 0, 0, 1, 1, 1, 1])
    b = batch(3, greedy=greedy)
    a = on_tokens(b, b.signals["correct"] - greedy)
    agrees("remax", b, plain(a, token_mean), a)


def test_opo():
    """Rewards less their mean weighted by lengths; exactly on-policy, by token."""
    b = on_policy(batch(4))
    rewards, lengths = b.signals["correct"], b.mask.sum(axis=1)
    base = [
        np.average(rewards[m], weights=lengths[m]) for m in map(b.members, range(8))
    ]
    a = on_tokens(b, rewards - base)
    agrees("opo", b, trained(a), a)


def test_gpg():
    """Groups over groups with a spread, by sequence, -A log pi."""
    b = batch(5, correct=np.array([1.0, 0, 0, 1, 1, 1, 1, 1]))
    b.group[3] = 2  # alone
    a = on_tokens(b, 3 * np.array([2 / 3, -1 / 3, -1 / 3, 0, 0, 0, 0, 0]))
    agrees("gpg", b, plain(a, sequence_mean), a)


@pytest.mark.parametrize(("name", "gain"), [("gpg", 1), ("rapo", 2)])
def test_a_group_of_one_is_a_group(name, gain):
    """Groups of 1 and 2, rewards 1 / 1, 0: two groups over one with a spread."""
    b = tokens(np.zeros((3, 1)), correct=[1, 1, 0])
    b.group[:] = [0, 1, 1]
    np.testing.assert_allclose(whole(name, b)[0][:, 0], [0, gain, -gain], atol=1e-12)


def test_passk():
    """The best row of a group gets its lead over the second, the others 0."""
    b = batch(6, correct=np.array([0.1, 0.5, 0.9, 0.2, 1.0, 0.3, 0.7, 0.6]))
    a = on_tokens(b, [0, 0, 0.4, 0, 0.3, 0, 0, 0])
    agrees("passk", b, trained(a), a)


def test_dapo():
    """+-1 less 1 at the limit, from 80 % of it on; prompts all right are dropped."""
    b = batch(7, spread=1.5)
    more = batch(8, spread=1.5, correct=np.array([1.0, 1, 1, 1, 0, 1, 0, 0]))
    more.group += 2
    b = joined(b, more)
    b.mask[:3] = np.arange(LIMIT) < np.array([8, 7, 6])[:, None]
    dropped = b.group == 2  # all right
    lengths = b.mask.sum(axis=1)
    over = np.clip((lengths - 0.8 * LIMIT) / (0.2 * LIMIT), 0, 1)
    a = on_tokens(b, centred(b, 2 * b.signals["correct"] - 1 - over, 1e-6))
    kept = np.where(dropped[:, None], 0, a)
    oracle = trained(kept, average_of(~dropped), high=0.28, dual=10.0)
    agrees("dapo", b, oracle, kept)


def joined(one, other):
    """Both batches' rows."""
    fields = ("mask", "group", "old", "ref", "logp", "entropy")
    both = [np.concatenate([getattr(b, f) for b in (one, other)]) for f in fields]
    pairs = {k: np.concatenate([v, other.signals[k]]) for k, v in one.signals.items()}
    return Batch(*both, pairs)


def average_of(rows):
    """The mean over the tokens of these rows."""

    def average(b, losses):
        return sum(v for (i, _), v in losses.items() if rows[i]) / b.mask[rows].sum()

    return average


def test_dapo_pays_right_and_overlong_more_than_wrong_and_short():
    """1 - 1 against -1: one std of sqrt(1/2) over and under the mean."""
    b = tokens(np.zeros((2, LIMIT)), correct=[1, 0])
    b.mask[1, 1:] = False
    got = whole("dapo", b)[0][:, 0]
    np.testing.assert_allclose(got, np.array([1, -1]) / 2**0.5, rtol=1e-5)


def test_dapo_clips_a_ratio_of_12_at_10():
    """Where A < 0 the loss is at most -10 A."""
    b = tokens(np.log([[1.0], [12.0]]), correct=[1, 0])
    a, loss, gradient = whole("dapo", b)
    np.testing.assert_allclose(loss, (-a[0, 0] - 10 * a[1, 0]) / 2, rtol=1e-9)
    np.testing.assert_allclose(gradient[1], 0, atol=1e-12)


def over_all(x, b):
    """(x - mean) / sqrt(max(var, 1e-8)) over all True tokens, var over their count."""
    numbers = np.array([x[p] for p in each(b, lambda i, t: 0)])
    return (x - numbers.mean()) / max(numbers.var(), 1e-8) ** 0.5


def test_reinforce_pp():
    """OpenRLHF: returns whitened over the batch's tokens, by token."""
    b = batch(9)
    a = over_all(on_tokens(b, b.signals["correct"]), b)
    agrees("reinforce_pp", b, trained(a), a)


def test_reinforce_pp_baseline():
    """The group's mean off, then whitened; its script has 1e-5 of k2 in the loss."""
    b = batch(10)
    a = over_all(on_tokens(b, centred(b, b.signals["correct"])), b)
    k2 = lambda gap: gap**2 / 2  # noqa: E731
    oracle = trained(a, kl=1e-5, estimate=k2)
    agrees("reinforce_pp_baseline", b, oracle, a, rtol=1e-9)


@pytest.mark.parametrize("name", ["reinforce_pp", "reinforce_pp_baseline"])
def test_rewards_of_1_and_0_are_one_deviation_off(name):
    """The variance is over M: 0.5 / 0.5. Equal rewards give 0."""
    got = [
        whole(name, tokens([[0.0], [0.0]], correct=c))[0][:, 0]
        for c in ([1, 0], [1, 1])
    ]
    np.testing.assert_allclose(got, [[1, -1], [0, 0]], atol=1e-12)


def test_optimal_token_baseline():
    """R less the rows' rewards, weighted by 1 - 2 pi + sum pi^2 added up so far."""
    rng = np.random.default_rng(11)
    squares = rng.uniform(size=(8, LIMIT))
    b = batch(11, spread=1.5, sum_pi_squared=squares)
    rewards = b.signals["correct"]
    moved = np.cumsum(np.where(b.mask, 1 - 2 * np.exp(b.old) + squares, 0), axis=1)
    a = np.zeros(b.mask.shape)
    for i, ts in b.rows():
        for t in ts:
            here = [j for j in b.members(i) if b.mask[j, t]]
            total = sum(moved[j, t] for j in here)
            a[i, t] = rewards[i] - sum(rewards[j] * moved[j, t] for j in here) / total
    agrees("optimal_token_baseline", b, trained(a, dual=3.0), a)


def test_unlikeliness():
    """r (1 - 0.25 rank / n), rank 0 for the least likely; 0.1 of k3 in the loss."""
    b = batch(12)
    likely = [b.old[i, ts].mean() for i, ts in b.rows()]
    rank = [sum(likely[j] < likely[i] for j in b.members(i)) for i in range(8)]
    rewards = b.signals["correct"] * (1 - 0.25 * np.array(rank) / 4)
    a = on_tokens(b, centred(b, rewards, 1e-6))
    agrees("unlikeliness", b, trained(a, kl=0.1), a)


def test_grpo_care():
    """Right rows whose answer the reference finds likely get half more; by sequence."""
    b = on_policy(batch(13))
    b.mask[:, 0] = True
    marked = np.arange(LIMIT) >= b.mask.sum(axis=1)[:, None] - 2
    b.signals["is_answer"] = marked.astype(float)
    rewards = b.signals["correct"].copy()
    sure = [min(np.exp(b.ref[i][b.mask[i] & marked[i]].mean()), 0.95) for i in range(8)]
    for i in range(8):
        right = [j for j in b.members(i) if b.signals["correct"][j] == 1]
        if i in right and sure[i] >= np.mean([sure[j] for j in right]) - 0.01:
            rewards[i] = 1.5
    a = on_tokens(b, centred(b, rewards, 1e-4))
    agrees("grpo_care", b, trained(a, sequence_mean), a)
