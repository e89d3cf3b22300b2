"""Words that share and weigh turns, and the ratio of a turn, against loops."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
from oracle import SEEDS, agree, row, run, step_tokens, varied

from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives import ratio
from rewardlab.testing import from_arrays

pytestmark = [
    pytest.mark.usefixtures("x64", "strict_ranks"),
    pytest.mark.parametrize("seed", SEEDS),
]


def test_sqrt_step_returns_to_go(seed):
    """sum_j 0.7^(j-k) r_j / sqrt(rewards from k on)."""
    rollout = varied(seed)
    before, want = run("process('prm')", rollout), {}
    for i in {i for i, _ in before}:
        carried, left = 0.0, 0
        for _, tokens in step_tokens(rollout, i)[::-1]:
            here = [before[i, t] for t in tokens if (i, t) in before]
            carried, left = sum(here) + 0.7 * carried, left + len(here)
            for t in tokens:
                want[i, t] = carried / math.sqrt(max(left, 1))
    agree(run("process('prm') | sqrt_step_returns_to_go(0.7)", rollout), want)


def test_share_by_softmax(seed):
    """R exp(q_k L / 0.5) / sum, q_k a turn's mean, L the mean turn of the batch."""
    rollout = varied(seed)
    outcome, score = run("outcome('correct')", rollout), run("dense('dense')", rollout)
    steps = {i: step_tokens(rollout, i) for i in range(12)}
    turns = [ts for one in steps.values() for _, ts in one]
    length, want = sum(map(len, turns)) / len(turns), {}
    for (i, _), r in outcome.items():
        heat = {
            ts[-1]: math.exp(sum(score[i, t] for t in ts) / len(ts) * length / 0.5)
            for _, ts in steps[i]
        }
        want |= {(i, t): r * x / sum(heat.values()) for t, x in heat.items()}
    text = "outcome('correct') | dense('dense')"
    text += " | share_by_softmax('correct', 'dense', 0.5)"
    got = run(text, rollout)
    agree(got, want, tol=1e-10)
    for (i, _), r in outcome.items():  # the shares of a row add up to its outcome
        assert sum(x for _, x in row(got, i)) == pytest.approx(r, abs=1e-12)
    even = run(text.replace("0.5)", "1e12)"), rollout)
    for (i, _), r in outcome.items():
        assert np.allclose([x for _, x in row(even, i)], r / len(steps[i]), atol=1e-9)


def test_hindsight_ratio(seed):
    """r_k clip(h_k / mean h, 0.9, 1.2) with h the exponential of a turn's mean / 2."""
    rollout = varied(seed)
    before, want = run("process('prm')", rollout), {}
    logp = np.asarray(rollout.signals["dense"])
    for i in {i for i, _ in before}:
        steps = step_tokens(rollout, i)
        h = [math.exp(sum(logp[i, t] for t in ts) / len(ts) / 2) for _, ts in steps]
        for (_, ts), x in zip(steps, h, strict=True):
            ratio = min(max(x / (sum(h) / len(h)), 0.9), 1.2)
            if (i, ts[-1]) in before:
                want[i, ts[-1]] = before[i, ts[-1]] * ratio
    text = "process('prm') | hindsight_ratio('dense', temperature=2, low=0.9, high=1.2)"
    agree(run(text, rollout), want)
    same = rollout.with_signals(dense=jnp.where(rollout.mask, -0.3, jnp.nan))
    agree(run(text, same), before)


def test_a_turn_of_one_token_is_a_token_and_one_turn_a_row(seed):
    """`turn_log_ratio` between the levels of token and row."""
    rng = np.random.default_rng(seed)
    mask = rng.random((5, 7)) < 0.7
    old, new = -rng.exponential(size=(2, 5, 7))
    stats = TokenStats(jnp.asarray(new), jnp.zeros((5, 7)))
    for step, level in (
        (np.arange(7)[None].repeat(5, 0), ratio.token_log_ratio()),
        (np.zeros((5, 7), int), ratio.sequence_log_ratio()),
    ):
        rollout = from_arrays(mask, step=step, logp=old)
        want = np.asarray(level(stats, rollout))[mask]
        for made in (ratio.turn_log_ratio(), ratio.turn_token_log_ratio()):
            got = np.asarray(made(stats, rollout))[mask]
            np.testing.assert_allclose(got, want, rtol=1e-12)
