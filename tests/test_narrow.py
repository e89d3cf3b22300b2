"""Rewards of whole rows that are also kept as [N, 1]: the same as without that note."""

import jax
import numpy as np
import pytest
from oracle import apply, varied

from rewardlab import build, chain, stateless
from rewardlab.core.signals import made

pytestmark = pytest.mark.usefixtures("x64")
FORGET = stateless(lambda rewards, _: jax.tree.map(lambda x: x, rewards))
ROW = "outcome('correct')"
SPREAD = f"{ROW} | broadcast_to_tokens()"
BOTH = f"{ROW} | outcome('score')"
CASES = (
    (SPREAD, "center_by_group(leave_one_out=True)"),
    (SPREAD, "center_by_group() | scale_by_group_std(ddof=0)"),
    (SPREAD, "center_by_batch() | scale_by_batch_std()"),
    (SPREAD, "whiten()"),
    (SPREAD, "scale_by_active_rows() | unlikeliness()"),
    (SPREAD, "best_minus_second()"),
    (SPREAD, "length_penalty(after=3) | standardize_by_history()"),
    (SPREAD, "par('refs') | broadcast_to_tokens()"),
    (f"{SPREAD} | outcome('score')", "weighted_sum(correct=1, score=2) | whiten()"),
    (ROW, "standardize_by_history() | require('finished')"),
    (ROW, "cheapness_by_window(window=5)"),
    (ROW, "par('refs') | episode_return() | best_minus_second()"),
    (BOTH, "gated_accumulation('score', correct=0.5)"),
    (BOTH, "mean_minus_variance_of('correct', 'score')"),
    (BOTH, "keep_pareto_front() | weighted_sum(correct=1, score=1)"),
    (BOTH, "formula('correct * score') | broadcast_to_tokens() | whiten()"),
)


@pytest.mark.parametrize("seed", (0, 1))
def test_notes_change_nothing(seed, compared):
    """With the [N, 1] notes and without: the same places, the same numbers."""
    rollout = varied(seed)
    rng, shape = np.random.default_rng(seed), (*rollout.mask.shape, 4)
    signals = {k: v for k, v in made(rng, *shape).items() if k in ("finished",)}
    refs = rng.normal(size=(12, 3))
    noted, forgotten = compared(rollout.with_signals(refs=refs, **signals))
    for case, got, want in zip(CASES, noted, forgotten, strict=True):
        assert got.keys() == want.keys(), case
        for name in want:
            np.testing.assert_array_equal(got[name].placed, want[name].placed)
            np.testing.assert_allclose(got[name].value, want[name].value, atol=1e-12)


@pytest.fixture(scope="module")
def compared():
    """One program for all cases, each with its notes and without."""

    @jax.jit
    def run(rollout):
        pairs = [_pair(source, words, rollout) for source, words in CASES]
        return tuple(zip(*pairs, strict=True))

    return run


def _pair(source, words, rollout):
    found = []
    for between in ((), (FORGET,)):
        whole = chain(build(source), *between, build(words))
        found.append(apply(whole, rollout))
    return found
