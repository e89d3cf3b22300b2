"""Budgets of thinking against loops over chunks and rows, in float64."""

import jax.numpy as jnp
import numpy as np
import pytest
from oracle import GROUPS, SEEDS, agree, run, step_tokens, true_tokens, varied

from rewardlab.testing import from_arrays

pytestmark = [
    pytest.mark.usefixtures("x64", "strict_ranks"),
    pytest.mark.parametrize("seed", SEEDS),
]
PRIOR = (1.0, 2.0, 3.0, 4.0)


def scored(seed):
    """A varied rollout with scores at four budgets, but for row 4; NaN where unread."""
    rollout = varied(seed)
    rng = np.random.default_rng(seed)
    alive = np.asarray(rollout.mask).any(axis=1) & (np.arange(12) != 4)
    score = np.round(8 * rng.random((12, 4))) / 8
    x = jnp.asarray(np.where(alive[:, None], score, np.nan))
    return rollout.with_signals(x=x, x_valid=jnp.arange(12) != 4)


def heard_rows(rollout):
    """Rows with tokens that have a score at every budget."""
    return [i for i in range(12) if true_tokens(rollout, i) and i != 4]


def to_go(rollout, i, prior):
    """Row i's prior-weighted score from each budget on."""
    share = np.array(prior) / sum(prior)
    x = np.asarray(rollout.signals["x"][i])
    return [sum(share[k] * x[k] for k in range(s, 4)) for s in range(4)]


@pytest.mark.parametrize("prior", [(), PRIOR, (0, 0, 0, 1)])
def test_budget_returns(seed, prior):
    """sum_{s' >= s} P x at the end of each chunk there is; missing chunks count."""
    rollout = scored(seed)
    want = {
        (i, tokens[-1]): to_go(rollout, i, prior or (1,) * 4)[s]
        for i in heard_rows(rollout)
        for s, tokens in step_tokens(rollout, i)
    }
    agree(run(f"budget_returns('x', prior={prior})", rollout), want)


@pytest.mark.parametrize("share", [(), (1.0,) * 4, (0.0,) * 4])
@pytest.mark.parametrize("keep", [False, True])
def test_center_by_budgets(seed, share, keep):
    """Less w V1 + (1 - w) V2; V1 the row's past, V2 its group at the same budget."""
    rollout = scored(seed)
    text = f"budget_returns('x', prior={PRIOR})"
    rewards, want, rows = run(text, rollout), {}, heard_rows(rollout)
    for i in rows:
        x = np.asarray(rollout.signals["x"][i])
        group = [j for j in rows if GROUPS[j] == GROUPS[i]]
        for s, tokens in step_tokens(rollout, i):
            power = [2.0**k for k in range(s)]
            past = np.dot(power, x[:s]) / sum(power) if s else 0.0
            v1 = past * sum(PRIOR[s:]) / sum(PRIOR)
            v2 = np.mean([to_go(rollout, j, PRIOR)[s] for j in group])
            v2 = 0.0 if keep and len(group) == 1 else v2
            w = share[s] if share else s / 4
            got = rewards[i, tokens[-1]]
            want[i, tokens[-1]] = got - (w * v1 + (1 - w) * v2)
    word = f"center_by_budgets('x', {PRIOR}, {share}, keep_singletons={keep})"
    agree(run(f"{text} | {word}", rollout), want)


def test_chunk_zero_sums_to_nothing_over_the_group(seed):
    """And with V2 alone every chunk does (rows of the same chunks)."""
    rng = np.random.default_rng(seed)
    steps = np.tile(np.arange(4), (6, 1))
    group = np.repeat([0, 1], 3)
    x = rng.random((6, 4))
    rollout = from_arrays(np.ones((6, 4)), group=group, step=steps, x=x)
    text = f"budget_returns('x', {PRIOR}) | center_by_budgets('x', {PRIOR}"
    for extra, chunks in ((")", [0]), (", (0, 0, 0, 0))", range(4))):
        found = run(text + extra, rollout)
        for s in chunks:
            for rows in (range(3), range(3, 6)):
                total = sum(found[i, s] for i in rows)
                assert total == pytest.approx(0, abs=1e-12)


def test_equal_scores_leave_nothing(seed):
    """Exactly 0, though 0.1 + 0.2 + 0.4 times a score is no binary number."""
    x = np.full((3, 4), np.random.default_rng(seed).random())
    steps = np.tile(np.arange(4), (3, 1))
    rollout = from_arrays(np.ones((3, 4)), step=steps, x=x)
    text = f"budget_returns('x', {PRIOR}) | center_by_budgets('x', {PRIOR})"
    assert set(run(text, rollout).values()) == {0.0}


def test_priors_and_shares_have_a_number_a_budget(seed):
    """Of the wrong length they are an error in one sentence."""
    rollout = scored(seed)
    with pytest.raises(ValueError, match="the prior has 2 budgets and the scores 4"):
        run("budget_returns('x', (1, 2))", rollout)
    with pytest.raises(ValueError, match="own_share has 1 budgets, not 4"):
        run("budget_returns('x') | center_by_budgets('x', (), (0,))", rollout)
