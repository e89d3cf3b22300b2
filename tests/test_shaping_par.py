"""Every stage of PAR's shaper as words, against the order of operations of its code."""

import math

import numpy as np
import pytest
from golden_adapters.shaping import par_shaping
from jax.scipy.stats import norm

DEFAULTS = {
    "reward_ceil": None,
    "reward_penalize_length": True,
    "reward_odin": False,
    "gen_valid_len": 300,
    "len_penalty": 0.01,
    "reward_maxref": 10,
    "sigmoid_k": 1,
}
FLAGS = ("centered", "sgfc", "meanstd", "clipping", "minmax", "sigmoid", "relative")
FLAGS += ("tanh", "fittedpoly", "lsc")
DEFAULTS |= {f"reward_{flag}": False for flag in FLAGS}


def quintic(x):
    grid = np.linspace(-5, 5, 100)
    fit = np.polyfit(grid, 1 / (1 + np.exp(-grid)), 5)
    return 0.0 if x <= -5 else 1.0 if x >= 5 else float(np.polyval(fit, x))


def squashes(c):
    """The last three bends of one number, each with its flag."""
    logistic = lambda x: 1 / (1 + math.exp(-c["sigmoid_k"] * x))  # noqa: E731
    bends = {"sigmoid": logistic, "tanh": math.tanh, "fittedpoly": quintic}
    return [f for flag, f in bends.items() if c[f"reward_{flag}"]]


def by_history(c, reward, seen):
    """Stages 5 to 8; `seen` is the list of all rewards so far."""
    if c["reward_meanstd"] or c["reward_clipping"] or c["reward_minmax"]:
        seen += list(reward)
    mean, std = (np.mean(seen), np.std(seen)) if seen else (0.0, 0.0)
    if c["reward_meanstd"]:
        reward = (reward - mean) / (std if std > 0 else 1)
    if c["reward_clipping"]:
        reward = np.clip(reward, mean - std, mean + std)
    if c["reward_ceil"] is not None:
        reward = np.minimum(reward, c["reward_ceil"])
    if c["reward_minmax"]:
        width = max(seen) - min(seen)
        reward = (reward - min(seen)) / (width if width else 1)
    return reward


def oracle(c, reward, refs, lengths, seen):
    """One batch, stage by stage as in the specification."""
    reward, k = np.array(reward, float), c["sigmoid_k"]
    if c["reward_ceil"] is not None:
        reward = np.minimum(reward, c["reward_ceil"])
    if c["reward_penalize_length"] and not c["reward_odin"]:
        excess = np.maximum(np.array(lengths) - c["gen_valid_len"], 0)
        reward = reward - c["len_penalty"] * excess
    near = [row[: c["reward_maxref"]] for row in refs]
    if c["reward_centered"]:
        reward = np.array([r - np.mean(x) for r, x in zip(reward, near, strict=True)])
    if c["reward_sgfc"]:
        logistic = lambda x: 1 / (1 + np.exp(-k * x))  # noqa: E731
        pairs = zip(reward, near, strict=True)
        reward = np.array([np.mean([logistic(r - 3 - x) for x in y]) for r, y in pairs])
    reward = by_history(c, reward, seen)
    for f in squashes(c):
        rows = zip(reward, near, strict=True)
        relative = c["reward_relative"]
        shaped = [np.mean([f(r - x) for x in y]) if relative else f(r) for r, y in rows]
        reward = np.array(shaped)
    if c["reward_lsc"]:
        z = float(norm.ppf(0.85))
        level = [np.mean(x) + z * (np.std(x, ddof=1) + 1e-5) for x in refs]
        reward = -np.log1p(np.exp(-(reward - np.array(level))))
    return reward


MODES = {
    "vanilla": {},
    "ceil": {"reward_ceil": 1.0},
    "odin": {"reward_odin": True},
    "free_length": {"reward_penalize_length": False},
    "centered": {"reward_centered": True, "reward_maxref": 3},
    "sgfc": {"reward_sgfc": True, "sigmoid_k": 3},
    "meanstd": {"reward_meanstd": True},
    "clip": {"reward_clipping": True},
    "minmax": {"reward_minmax": True},
    "sigmoid": {"reward_sigmoid": True},
    "par": {"reward_sigmoid": True, "reward_relative": True},
    "par_one": {"reward_sigmoid": True, "reward_relative": True, "reward_maxref": 1},
    "tanh": {"reward_tanh": True},
    "tanh_relative": {"reward_tanh": True, "reward_relative": True},
    "poly": {"reward_fittedpoly": True},
    "poly_relative": {"reward_fittedpoly": True, "reward_relative": True},
    "lsc": {"reward_lsc": True, "reward_maxref": 5},
    "ceil_minmax": {"reward_ceil": 2.0, "reward_minmax": True},
    "centered_sigmoid": {"reward_centered": True, "reward_sigmoid": True},
}


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("mode", MODES)
def test_every_mode_of_the_shaper(mode):
    """Three batches in a row, the second of which is constant; lengths around 300.

    The fitted polynomial's coefficients are rounded in the code: 1e-5 there.
    """
    rng, c = np.random.default_rng(len(mode)), {**DEFAULTS, **MODES[mode]}
    rewards = np.round(rng.normal(0, 3, (3, 5)), 3)
    rewards[1], rewards[2, :2] = 1.5, (9.5, -8.25)
    refs = rng.normal(size=(3, 5, 10))
    lengths = np.tile([10, 300, 301, 350, 512], (3, 1))
    given = {"rewards": rewards, "ref_rewards": refs, "response_lengths": lengths}
    got = par_shaping({**given, "config": MODES[mode]}, {"defaults": DEFAULTS})
    seen = []
    for b in range(3):
        want = oracle(c, rewards[b], refs[b], lengths[b], seen)
        tol = 2e-5 if "poly" in mode else 1e-12
        np.testing.assert_allclose(got["shaped"][b], want, rtol=tol, atol=tol)
    if seen:
        want = (15, np.mean(seen), np.var(seen), max(seen), min(seen))
        names = ("n", "mean", "var", "max", "min")
        have = [got["running"][name] for name in names]
        np.testing.assert_allclose(have, want, rtol=1e-12)
