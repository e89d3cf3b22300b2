"""Rows of other libraries, whole, by name."""

import numpy as np
import pytest
from row_oracles import centred, each, left_out, log_ratio, on_tokens, plain
from rows import agrees, batch, ppo, sequence_mean, token_mean, trained, whole

PRESETS = {
    "grpo_like_trl": (lambda b, r: centred(b, r, 1e-4), {}),
    "grpo_like_verl": (lambda b, r: centred(b, r, 1e-6), {"dual": 3.0}),
    "grpo_like_verl_vectorized": (lambda b, r: centred(b, r, 1e-6), {"dual": 3.0}),
    "dr_grpo_like_verl": (centred, {"dual": 3.0}),
    "rloo_like_verl": (left_out, {"dual": 3.0}),
    "grpo_like_easydel": (
        lambda b, r: centred(b, r, 1e-4, ddof=0),
        {"kl": 0.04, "most": np.inf},
    ),
}


@pytest.mark.parametrize("name", PRESETS)
def test_a_clipped_preset_by_token(name):
    """PPO's clip at 0.2; verl's dual clip at 3, which is always on; EasyDeL's KL."""
    b = batch(0, spread=1.5)
    advantage, options = PRESETS[name]
    a = on_tokens(b, advantage(b, b.signals["correct"]))
    agrees(name, b, trained(a, **options), a)


def test_grpo_like_tunix():
    """By sequence; its default KL is log pi - log ref, with 0.04."""
    b = batch(1)
    a = on_tokens(b, centred(b, b.signals["correct"], 1e-6))
    k1 = lambda gap: -gap  # noqa: E731
    agrees("grpo_like_tunix", b, trained(a, sequence_mean, kl=0.04, estimate=k1), a)


def test_grpo_like_trl_batch():
    """The group's mean, the standard deviation of all rewards, by token."""
    b = batch(2)
    rewards = b.signals["correct"]
    a = on_tokens(b, centred(b, rewards) / (np.std(rewards, ddof=1) + 1e-4))
    agrees("grpo_like_trl_batch", b, trained(a), a)


def test_rloo_like_trl():
    """0.05 sum_t (log pi_old - log ref) off the reward; the ratio is the row's."""
    b = batch(3, spread=0.2)
    rewards = b.signals["correct"].copy()
    for i, ts in b.rows():
        rewards[i] -= 0.05 * sum(b.old[i, t] - b.ref[i, t] for t in ts)
    against = left_out(b, rewards)
    a = (against - against.mean()) / (np.std(against, ddof=1) + 1e-4)

    def oracle(b):
        rows = [
            ppo(a[i], np.exp(sum(log_ratio(b, i, t) for t in ts))) for i, ts in b.rows()
        ]
        return sum(rows) / len(rows)

    agrees("rloo_like_trl", b, oracle, on_tokens(b, a))


def whitened(b, x):
    """(x - mean) / sqrt(var + 1e-8) over all True tokens, var over M - 1."""
    numbers = np.array([x[i, t] for i, ts in b.rows() for t in ts])
    return (x - numbers.mean()) / np.sqrt(numbers.var(ddof=1) + 1e-8)


def test_reinforce_pp_like_verl():
    """Returns, which an environment's token ends, whitened over M - 1 tokens."""
    b = batch(4, spread=1.5)
    b.mask[0], b.mask[0, 3] = True, False
    returns = on_tokens(b, b.signals["correct"])
    returns[0, :3] = 0
    a = whitened(b, returns)
    agrees("reinforce_pp_like_verl", b, trained(a, dual=3.0), a)


def test_reinforce_pp_baseline_like_verl():
    """Less the group's mean, a lone reward as is, whitened over M - 1 tokens."""
    b = batch(5, spread=1.5)
    b.group[7] = 2
    rewards = b.signals["correct"]
    less = [r - np.mean(rewards[b.members(i)]) for i, r in enumerate(rewards[:7])]
    a = whitened(b, on_tokens(b, [*less, rewards[7]]))
    agrees("reinforce_pp_baseline_like_verl", b, trained(a, dual=3.0), a)


def test_gpg_like_verl():
    """n / count(R != 0) (R - mean), by token, without a ratio."""
    b = batch(6)
    rewards = b.signals["correct"]
    a = on_tokens(b, centred(b, rewards) * 8 / sum(r != 0 for r in rewards))
    agrees("gpg_like_verl", b, plain(a, token_mean), a)


def test_passk_like_verl():
    """(best - second) / (std + 1e-6) for the one best row of each group."""
    score = np.array([0.1, 0.5, 0.9, 0.2, 1.0, 0.3, 0.7, 0.6])
    b = batch(7, correct=score)
    best = np.zeros(8)
    for row, lead in ((2, 0.4), (4, 0.3)):
        best[row] = lead / (np.std(score[b.members(row)], ddof=1) + 1e-6)
    a = on_tokens(b, best)
    agrees("passk_like_verl", b, trained(a), a)


@pytest.mark.parametrize("name", [n for n, (_, o) in PRESETS.items() if "dual" in o])
def test_where_the_ratio_is_4_a_worse_row_costs_3(name):
    """-3 A and not -4 A where A < 0; -1.2 A elsewhere; no gradient from any token."""
    b = batch(8)
    b.logp = b.old + np.log(4)
    a, loss, gradient = whole(name, b)
    costs = each(b, lambda i, t: -(3 if a[i, t] < 0 else 1.2) * a[i, t])
    np.testing.assert_allclose(loss, token_mean(b, costs), rtol=1e-6)
    assert (a < 0).any() and not gradient.any()
