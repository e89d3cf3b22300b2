"""Importance weights and the adaptive KL coefficient against loops, in float64."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import SEEDS, agree, run, true_tokens, varied

from rewardlab import build
from rewardlab.testing import from_arrays

pytestmark = pytest.mark.usefixtures("x64", "strict_ranks")
ADVANTAGE = "outcome('correct') | broadcast_to_tokens()"
seeds = pytest.mark.parametrize("seed", SEEDS)


def importance(rollout, per_row):
    """pi / pi_sampler of each True token, or the product over its row."""
    found = {}
    for i in range(12):
        tokens = true_tokens(rollout, i)
        gaps = {
            t: float(rollout.logp[i, t]) - float(rollout.signals["ref_logp"][i, t])
            for t in tokens
        }
        total = sum(gaps.values())
        found |= {(i, t): math.exp(total if per_row else gaps[t]) for t in tokens}
    return found


@seeds
@pytest.mark.parametrize("per_row", [False, True])
def test_truncated_importance(seed, per_row):
    """min(w, most) A, and 1 where the sampler is the policy."""
    rollout, most = varied(seed), 1.5
    w = importance(rollout, per_row)
    before = run(ADVANTAGE, rollout)
    want = {p: r * min(w[p], most) for p, r in before.items()}
    words = f"{most}, per_row={per_row}, sampler='ref_logp'"
    agree(run(f"{ADVANTAGE} | truncated_importance({words})", rollout), want)
    same = rollout.with_signals(sampler_logp=rollout.logp)
    text = f"{ADVANTAGE} | truncated_importance(per_row={per_row})"
    agree(run(text, same), before)


@seeds
@pytest.mark.parametrize("per_row", [False, True])
def test_masked_importance(seed, per_row):
    """w A within the bounds, both included, and 0 beyond."""
    rollout, least, most = varied(seed), 0.5, 2.0
    w = importance(rollout, per_row)
    before = run(ADVANTAGE, rollout)
    want = {p: r * w[p] * (least <= w[p] <= most) for p, r in before.items()}
    words = f"{least}, {most}, per_row={per_row}, sampler='ref_logp'"
    agree(run(f"{ADVANTAGE} | masked_importance({words})", rollout), want)
    same = rollout.with_signals(sampler_logp=rollout.logp)
    text = f"{ADVANTAGE} | masked_importance(1.0, 1.0, per_row={per_row})"
    agree(run(text, same), before)


def test_a_ratio_beyond_e_to_20_is_held():
    """exp(30) counts as exp(20), and then as the bound."""
    far = np.array([[-30.0]])
    rollout = from_arrays(np.ones((1, 1)), correct=np.ones(1), sampler_logp=far)
    text = f"{ADVANTAGE} | truncated_importance(max_weight=math)"
    got = run(text, rollout, math=1e12)
    assert got[0, 0] == pytest.approx(math.exp(20), rel=1e-12)


@seeds
def test_adaptive_kl_penalty(seed):
    """The batch pays the coefficient it found; the next one pays another."""
    beta, target, horizon = 0.3, 1.7, 50.0
    text = f"adaptive_kl_penalty({beta}, target={target}, horizon={horizon})"
    transform = build(text)
    rollout = varied(seed)
    state = transform.init(rollout)
    for number in range(3):
        now = dataclasses.replace(rollout, logp=rollout.logp + 0.4 * number)
        channels, state = jax.jit(transform.update)({}, state, now)
        rows = []
        for i in range(12):
            tokens = true_tokens(now, i)
            gaps = [
                float(now.logp[i, t] - now.signals["ref_logp"][i, t]) for t in tokens
            ]
            for t, gap in zip(tokens, gaps, strict=True):
                got = float(channels["kl"].value[i, t])
                assert got == pytest.approx(-beta * gap, rel=1e-12)
            rows += [sum(gaps)] if tokens else []
        error = min(max(sum(rows) / len(rows) / target - 1, -0.2), 0.2)
        beta *= 1 + error * len(rows) / horizon
        assert float(state["coefficient"]) == pytest.approx(beta, rel=1e-12)


def test_an_empty_batch_is_nearer_than_any_target():
    """No rows, n = 0: the coefficient stays."""
    none = from_arrays(np.zeros((2, 3)), ref_logp=np.full((2, 3), np.nan))
    transform = build("adaptive_kl_penalty(0.2)")
    channels, state = transform.update({}, transform.init(none), none)
    assert float(state["coefficient"]) == pytest.approx(0.2)
    assert not jnp.any(channels["kl"].value)


def coins(p, q):
    """KL of two coins, nats."""
    return p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))


@seeds
@pytest.mark.parametrize("upper", [0.05, 0.5, math.inf])
def test_mask_binary_kl(seed, upper):
    """w A where both divergences are at most `upper`, 0 beyond, w without a bound."""
    rollout, w = varied(seed), importance(varied(seed), False)
    before, want = run(ADVANTAGE, rollout), {}
    for (i, t), a in before.items():
        p = math.exp(rollout.logp[i, t])
        b = math.exp(rollout.signals["ref_logp"][i, t])
        near = max(coins(p, b), coins(b, p)) <= upper
        want[i, t] = w[i, t] * a if near else 0.0
    assert (upper == math.inf) or (any(want.values()) and not all(want.values()))
    bound = "1e9" if upper == math.inf else upper
    text = f"{ADVANTAGE} | mask_binary_kl({bound}, sampler='ref_logp')"
    agree(run(text, rollout), want, tol=1e-7)
    same = rollout.with_signals(sampler_logp=rollout.logp)
    agree(run(f"{ADVANTAGE} | mask_binary_kl(0.0)", same), before)
