"""One channel beside another, against loops in float64."""

import jax.numpy as jnp
import numpy as np
import pytest
from oracle import SEEDS, agree, run, varied

from rewardlab.testing import from_arrays

pytestmark = [
    pytest.mark.usefixtures("x64", "strict_ranks"),
    pytest.mark.parametrize("seed", SEEDS),
]


def test_relative_drop(seed):
    """max((base - channel) / (base + eps), -1), where both have a value."""
    rollout = varied(seed)
    own = run("perplexity()", rollout)
    base = run("perplexity('ref_logp')", rollout)
    want = {p: max((base[p] - r) / (base[p] + 1e-9), -1.0) for p, r in own.items()}
    drop = "relative_drop('logp', base='ref_logp')"
    agree(run(f"perplexity() | perplexity('ref_logp') | {drop}", rollout), want)
    # `correct` abstains in some rows, and there nothing is left
    rest = run("outcome('correct')", rollout)
    text = f"perplexity() | outcome('correct') | {drop.replace('ref_logp', 'correct')}"
    assert sorted(run(text, rollout)) == sorted(rest)


def test_self_aligned_rewards_at_the_ends(seed):
    """Equal perplexities give 0; a question that explains all gives nearly 1."""
    blind = -np.array([[1.0], [50.0], [0.1]])
    rollout = from_arrays(np.ones((3, 1)), logp=[[-1.0], [-1e-9], [-9.0]], blind=blind)
    drop = "relative_drop('logp', base='blind')"
    got = run(f"perplexity() | perplexity('blind') | {drop}", rollout)
    assert got[0, 0] == 0.0 and got[2, 0] == -1.0
    np.testing.assert_allclose(got[1, 0], 1.0, rtol=1e-12)


@pytest.mark.parametrize(("rate", "below", "most"), [(0.1, 0.5, 1.0), (1.0, 0.25, 0.6)])
def test_add_where_below(seed, rate, below, most):
    """min(r + rate b, most) where r < below; where b abstains it adds nothing."""
    pattern = np.random.default_rng(seed).random(12)
    valid = np.arange(12) != 7
    rollout = varied(seed).with_signals(
        pattern=jnp.asarray(np.where(valid, pattern, np.nan)),
        pattern_valid=jnp.asarray(valid),
    )
    own, more = run("outcome('correct')", rollout), run("outcome('pattern')", rollout)
    want = {
        p: min(r + rate * more.get(p, 0), most) if r < below else r
        for p, r in own.items()
    }
    word = f"add_where_below('correct', 'pattern', {rate}, {below}, max_value={most})"
    agree(run(f"outcome('correct') | outcome('pattern') | {word}", rollout), want)
