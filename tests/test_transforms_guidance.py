"""Words that guide on the way, against loops in float64."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
from oracle import GROUPS, SEEDS, agree, row, run, varied

from rewardlab.testing import from_arrays

pytestmark = [
    pytest.mark.usefixtures("x64", "strict_ranks"),
    pytest.mark.parametrize("seed", SEEDS),
]


def scores(rollout):
    return run("process('prm')", rollout)


def each(seed, word, f):
    rollout = varied(seed)
    want = {p: f(r) for p, r in scores(rollout).items()}
    agree(run(f"process('prm') | {word}", rollout), want)


def ended(seed):
    """Some rows were cut off in a state of some potential; others ended by themselves.

    NaN where a row has no tokens.
    """
    rollout = varied(seed)
    end = np.random.default_rng(seed).integers(-4, 5, 12) / 4 * (np.arange(12) % 2)
    end = np.where(np.asarray(rollout.mask).any(axis=1), end, np.nan)
    return rollout.with_signals(end=jnp.asarray(end)), end


def test_potential_shaping(seed):
    """discount * Phi_{k+1} - Phi_k; after the last step 0, or the final potential."""
    rollout, end = ended(seed)
    before = scores(rollout)
    for word, final in (
        ("potential_shaping(0.9)", np.zeros(12)),
        ("potential_shaping(0.9, final='end')", end),
    ):
        want = {}
        for i in {p[0] for p in before}:
            steps = row(before, i)
            following = [r for _, r in steps[1:]] + [final[i]]
            for (place, phi), after in zip(steps, following, strict=True):
                want[place] = 0.9 * after - phi
        agree(run(f"process('prm') | {word}", rollout), want)


def test_potential_shaping_of_tokens(seed):
    """The same over the potentials of single tokens; NaN between them does not leak."""
    rollout = varied(seed)
    before, want = run("dense('dense')", rollout), {}
    for i in {p[0] for p in before}:
        tokens = row(before, i)
        for k, (place, phi) in enumerate(tokens):
            after = tokens[k + 1][1] if k + 1 < len(tokens) else 0
            want[place] = after - phi
    agree(run("dense('dense') | potential_shaping()", rollout), want)


def test_what_a_potential_adds_up_to(seed):
    """sum_k g^k F_k = g^K Phi_end - Phi_0, whatever lies between; a constant potential
    gives 0 for g = 1 and -(1 - g) c for g < 1 (when the end keeps it)."""
    rng = np.random.default_rng(seed)
    phi, end = rng.normal(size=(1, 6)), rng.normal(size=1)
    one = {"mask": np.ones((1, 6)), "step": np.arange(6)[None]}
    rollout = from_arrays(**one, phi=phi, end=end)
    text = "process('phi') | potential_shaping(0.9, final='end')"
    got = run(f"{text} | step_returns_to_go(0.9)", rollout)
    assert np.isclose(got[0, 0], 0.9**6 * end[0] - phi[0, 0], rtol=1e-12)
    flat = from_arrays(**one, phi=np.full((1, 6), 3.0), end=np.array([3.0]))
    assert np.allclose(list(run(text, flat).values()), -0.1 * 3)
    got = run("process('phi') | potential_shaping(final='end')", flat)
    assert set(got.values()) == {0.0}


def test_scale_losses(seed):
    """Half of what is below 0."""
    each(seed, "scale_losses(0.5)", lambda r: r if r >= 0 else 0.5 * r)
    shaped = "delta() | scale_losses(1.0)"
    agree(
        run(f"process('prm') | {shaped}", varied(seed)),
        run("process('prm') | delta()", varied(seed)),
    )


def test_floor(seed):
    """max(r, bottom)."""
    each(seed, "floor(0.5)", lambda r: max(r, 0.5))


def test_indicator_ge(seed):
    """1 from the threshold on."""
    each(seed, "indicator_ge(0.5)", lambda r: float(r >= 0.5))


def test_proximity(seed):
    """exp(-d / (2 scale dispersion))^(1/density); a wider one is larger, a denser one
    nearer to 1."""
    f = lambda d: math.exp(-0.5 * d / (2 * 3)) ** (1 / 4)  # noqa: E731
    each(seed, "proximity(2, dispersion=3, density=4)", f)
    base, wide, dense = (
        run(f"process('prm') | {word}", varied(seed))
        for word in ("proximity(1)", "proximity(1, 2)", "proximity(1, 1, 2)")
    )
    assert all(wide[p] >= r and dense[p] >= r for p, r in base.items())


def test_signed_proximity(seed):
    """|s|^(1/density) with the sign of s = 2 exp(-d / (2 scale dispersion)) - 1."""

    def f(d):
        s = 2 * math.exp(-0.5 * d / (0.25 * 2)) - 1
        return math.copysign(abs(s) ** (1 / 3), s)

    each(seed, "signed_proximity(0.25, dispersion=2, density=3)", f)


def test_team_spirit(seed):
    """(1 - share) r + share (mean of the side - mean of the other), per game."""
    rollout = varied(seed)
    side = np.arange(12) % 2
    rollout = rollout.with_signals(side=jnp.asarray(side))
    text = "outcome('correct') | episode_return()"
    before = {p[0]: r for p, r in run(text, rollout).items()}
    last = int(rollout.mask.shape[1]) - 1
    flat = from_arrays(
        np.ones((12, last + 1)),
        group=GROUPS,
        correct=np.nan_to_num(rollout.signals["correct"]),
        correct_valid=np.isin(np.arange(12), list(before)),
        side=side,
    )
    want = {}
    for i, r in before.items():
        means = {}
        for s in (0, 1):
            team = [
                before[j] for j in before if GROUPS[j] == GROUPS[i] and side[j] == s
            ]
            means[s] = sum(team) / len(team) if team else 0
        want[i, last] = 0.7 * r + 0.3 * (means[side[i]] - means[1 - side[i]])
    agree(run("outcome('correct') | team_spirit('side')", flat), want)
