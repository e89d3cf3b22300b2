"""Weights of tokens and rows against loops, in float64."""

import math

import jax
import numpy as np
import pytest
from oracle import SEEDS, agree, run, true_tokens, varied

from rewardlab import build
from rewardlab.methods.sentence import shaped_reward
from rewardlab.testing import from_arrays
from rewardlab.transforms.weights.entropy import high_entropy
from rewardlab.transforms.weights.perplexity import standardized

pytestmark = pytest.mark.usefixtures("x64", "strict_ranks")
ADVANTAGE = "outcome('correct') | broadcast_to_tokens()"
seeds = pytest.mark.parametrize("seed", SEEDS)


@seeds
def test_weigh(seed):
    """w A, for a weight a row and a weight a token."""
    rollout = varied(seed)
    before = run(ADVANTAGE, rollout)
    score, dense = rollout.signals["score"], rollout.signals["dense"]
    want = {p: r * score[p[0]] for p, r in before.items()}
    agree(run(f"{ADVANTAGE} | weigh('score')", rollout), want)
    want = {p: r * dense[p] for p, r in before.items()}
    agree(run(f"{ADVANTAGE} | weigh('dense')", rollout), want)
    with pytest.raises(ValueError, match=r"weigh\('prm'\) needs a weight a row"):
        run(f"{ADVANTAGE} | weigh('prm')", rollout)


def test_weigh_takes_a_mask():
    """Booleans keep and silence."""
    mask = np.ones((2, 2), bool)
    calls = np.array([[True, False], [False, True]])
    rollout = from_arrays(mask, correct=np.array([2.0, 3.0]), calls=calls)
    want = {(0, 0): 2.0, (0, 1): 0.0, (1, 0): 0.0, (1, 1): 3.0}
    agree(run(f"{ADVANTAGE} | weigh('calls')", rollout), want)


@seeds
@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 1.0])
def test_keep_high_entropy(seed, share):
    """The quantile of NumPy, over the True tokens of all rows."""
    rollout = varied(seed)
    entropy = {
        i: {t: float(rollout.signals["dense"][i, t]) for t in true_tokens(rollout, i)}
        for i in range(12)
    }
    everything = [h for row in entropy.values() for h in row.values()]
    least = np.quantile(everything, 1 - share)
    before = run(ADVANTAGE, rollout)
    want = {(i, t): r * (entropy[i][t] >= least) for (i, t), r in before.items()}
    text = f"{ADVANTAGE} | keep_high_entropy({share}, entropy='dense'"
    agree(run(f"{text})", rollout), want)
    for (i, t), r in before.items():
        own = np.quantile(list(entropy[i].values()), 1 - share)
        want[i, t] = r * (entropy[i][t] >= own)
    agree(run(f"{text}, per_row=True)", rollout), want)


@pytest.mark.parametrize("count", [1, 2, 5, 11, 41])
def test_ties_with_the_quantile_stay(count):
    """A quantile that is an entry of the batch keeps it, whatever rounding says.

    Of n tokens the place (1 - share)(n - 1) is whole for share = k / (n - 1): then
    k + 1 tokens are at or above it.
    """
    entropy = np.random.default_rng(0).permutation(np.arange(count) / 7)[None]
    mask = np.ones((1, count), bool)
    kept_of = jax.jit(high_entropy)
    for k in range(count):
        kept = kept_of(entropy, mask, k / max(count - 1, 1))
        assert int(kept.sum()) == k + 1
    assert high_entropy(np.zeros((1, count)), mask, 0.1).all()
    assert not high_entropy(entropy, ~mask, 0.5).any()


@seeds
def test_weigh_by_perplexity(seed):
    """1 - alpha z, z over the rows that have a token."""
    rollout = varied(seed)
    rows = [i for i in range(12) if true_tokens(rollout, i)]
    log_ppl = {}
    for i in rows:
        tokens = true_tokens(rollout, i)
        log_ppl[i] = -sum(float(rollout.logp[i, t]) for t in tokens) / len(tokens)
    mean = sum(log_ppl.values()) / len(rows)
    std = math.sqrt(sum((x - mean) ** 2 for x in log_ppl.values()) / len(rows))
    want = {
        (i, t): r * (1 - 0.3 * (log_ppl[i] - mean) / std)
        for (i, t), r in run(ADVANTAGE, rollout).items()
    }
    agree(run(f"{ADVANTAGE} | weigh_by_perplexity(alpha=0.3)", rollout), want)


@pytest.mark.parametrize("rows", [0, 1, 3, 7])
def test_equal_rows_are_standard(rows):
    """Nothing to standardise gives 0, also where the mean rounds."""
    x = np.full(7, 0.7) + np.arange(7) * 1e-17
    z = standardized(x, np.arange(7) < rows)
    assert not np.asarray(z).any()


@seeds
def test_capped_bonus(seed):
    """A + min(relu(b), |A| / kappa), on every token or on the last."""
    rollout = varied(seed)
    before = run(ADVANTAGE, rollout)
    capped = lambda b, a: a + min(max(b, 0), abs(a) / 3)  # noqa: E731
    want = {p: capped(float(rollout.signals["dense"][p]), a) for p, a in before.items()}
    agree(run(f"{ADVANTAGE} | capped_bonus('dense', kappa=3)", rollout), want)
    want = {
        (i, t): capped(float(rollout.signals["score"][i]), a)
        if t == true_tokens(rollout, i)[-1]
        else a
        for (i, t), a in before.items()
    }
    agree(run(f"{ADVANTAGE} | capped_bonus('score', kappa=3)", rollout), want)


@seeds
def test_position_bonus(seed):
    """sign(A) times the relative position: 1 / n on the first of n True tokens."""
    rollout = varied(seed)
    want = {}
    for (i, t), a in run(ADVANTAGE, rollout).items():
        tokens = true_tokens(rollout, i)
        relative = (tokens.index(t) + 1) / len(tokens)
        want[i, t] = a + np.sign(a) * 0.5 * relative
    agree(run(f"{ADVANTAGE} | position_bonus(scale=0.5)", rollout), want)


def test_weights_are_no_part_of_the_trained_reward():
    """The reward that is logged is that before baselines, credit and weights."""
    words = "on('correct', center_by_group()) | broadcast_to_tokens() | weigh('w')"
    transform = build(f"outcome('correct') | {words}")
    rollout = from_arrays(
        np.ones((2, 2)), correct=np.array([2.0, 3.0]), w=np.array([5.0, 7.0])
    )
    got = shaped_reward(transform)(transform.init(rollout), rollout)
    np.testing.assert_array_equal(got.value, [[0, 2], [0, 3]])
