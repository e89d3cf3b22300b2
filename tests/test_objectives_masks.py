"""Rows that leave a loss and stay in the baseline, against loops."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
from surrogates import varied

from rewardlab.core.sentence import reads
from rewardlab.models.logprobs import TokenStats
from rewardlab.objectives import build_loss, loss_tree
from rewardlab.testing import from_arrays

pytestmark = pytest.mark.usefixtures("x64")
seeds = pytest.mark.parametrize("seed", [0, 1, 2])


def value(text, case, **signals):
    """The loss and its metrics."""
    rollout = from_arrays(case.mask, logp=case.old, **signals)
    stats = TokenStats(jnp.asarray(case.logp), jnp.zeros(case.mask.shape))
    total, metrics = build_loss(text)(stats, rollout, jnp.asarray(case.advantage))
    return float(total.mean()), {k: float(x.mean()) for k, x in metrics.items()}


def oracle(case, kept, all_rows=False):
    """-A log pi, the mean over rows of their sums; rows that are not kept are empty."""
    rows = {i: tokens for i, tokens in case.rows() if i in kept}
    losses = [-case.advantage[i, t] * case.logp[i, t] for i in rows for t in rows[i]]
    return sum(losses) / max(len(case.mask) if all_rows else len(rows), 1)


@seeds
def test_mask_truncated(seed):
    case = varied(seed)
    for finished in ([1.0, 0, 1, 0, 1, 1], [0.0] * 6, [1.0] * 6):
        kept = {i for i, x in enumerate(finished) if x}
        for average, every in (("sequence_sum", False), ("sequence_sum_all", True)):
            text = f"reinforce() | mask_truncated() | {average}()"
            got, metrics = value(text, case, finished=np.array(finished))
            want = oracle(case, kept, every)
            assert got == pytest.approx(want, rel=1e-12, abs=1e-15)
        tokens = {i: len(ts) for i, ts in case.rows()}
        share = sum(n for i, n in tokens.items() if i in kept) / sum(tokens.values())
        assert metrics["kept"] == pytest.approx(share)


@seeds
def test_mask_far_rows(seed):
    """By the geometric mean of a row's ratios; together with another mask."""
    case, rng = varied(seed), np.random.default_rng(seed)
    shift = np.linspace(-0.6, 0.6, 6)[:, None]
    sampler = case.old + shift + rng.normal(0, 0.1, case.old.shape)
    kept = set()
    for i, tokens in case.rows():
        gaps = [case.old[i, t] - sampler[i, t] for t in tokens]
        ratio = math.exp(sum(gaps) / len(gaps))
        kept |= {i} if 1 / 1.3 <= ratio <= 1.3 else set()
    assert 0 < len(kept) < len(list(case.rows()))
    signals = {"sampler_logp": sampler, "finished": np.array([1.0, 1, 1, 1, 1, 0])}
    text = "reinforce() | mask_far_rows(1.3) | sequence_sum()"
    assert value(text, case, **signals)[0] == pytest.approx(oracle(case, kept))
    both = "reinforce() | mask_far_rows(1.3) | mask_truncated() | sequence_sum()"
    assert value(both, case, **signals)[0] == pytest.approx(oracle(case, kept - {5}))


def test_what_a_mask_reads_and_where_it_stands():
    text = "clipped() | mask_truncated() | mask_far_rows(2) | token_mean()"
    assert reads(loss_tree(text)) == {"finished", "sampler_logp"}
    for wrong in ("mask_truncated() | token_mean()", "clipped() | mask_truncated()"):
        with pytest.raises(ValueError, match="must (begin|end) with"):
            loss_tree(wrong)
    with pytest.raises(ValueError, match="max_ratio=0.5 must be at least 1"):
        build_loss("clipped() | mask_far_rows(0.5) | token_mean()")
