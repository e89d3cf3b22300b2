"""What rounding must not do: ties stay ties, and long rows stay exact."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import apply
from rollouts import from_arrays

from rewardlab import METHODS, build, estimator

pytestmark = pytest.mark.usefixtures("strict_ranks")
AWKWARD = (0.1, 0.3, 0.7, 0.9, 1e4 + 0.1)  # none is a float; means of n of them round
RATIO = 1 - 2.0**-10  # a discount that float32 holds exactly


def test_equal_rewards_give_exactly_zero():
    """Group sums of equal numbers round; their advantages must not.

    verl gives 0.9 three times an advantage of 0.056 in float32: 6e-8 / (7e-8 + 1e-6).
    """
    rows = 7
    ragged = np.arange(5) < np.arange(1, rows + 1)[:, None] % 5 + 1
    found = [
        m.build()
        for m in METHODS.values()
        if m.reads == ("correct",) and {"shift", "scale"} & set(m.laws)
    ]
    texts = [transform.sentence for transform in found]
    texts += [f"dense('correct') | {w}" for w in ("whiten()", "center_by_group(True)")]
    column = "dense('correct') | center_by_group_position()"
    for text, mask in [(t, ragged) for t in texts] + [(column, np.ones((rows, 5)))]:
        closed = estimator(build(text))
        update = jax.jit(closed.update)
        for reward in AWKWARD:
            shape = mask.shape if "dense" in text else rows
            rollout = from_arrays(mask, correct=np.full(shape, reward))
            advantage = update({}, closed.init(rollout), rollout)[0]
            assert not np.asarray(advantage).any(), (text, reward)


def test_long_rows_in_float32():
    """65,536 tokens in float32 are within 1e-5 (of the largest) of a float64 loop."""
    width, group = 65536, 2
    reward = np.random.default_rng(0).normal(size=(group, width)) + 1.0
    reward = reward.astype(np.float32).astype(np.float64)
    step = np.tile(np.arange(width) // 8, (group, 1))
    rollout = from_arrays(np.ones((group, width)), step=step, r=reward)
    to_go, following = np.zeros_like(reward), np.zeros(group)
    for end in range(width, 0, -8):  # steps of 8 tokens
        following = reward[:, end - 8 : end].sum(axis=1) + RATIO * following
        to_go[:, end - 8 : end] = following[:, None]
    closed = {
        f"step_returns_to_go({RATIO}) | center_by_group()": to_go - to_go.mean(),
        "whiten()": (reward - reward.mean()) / reward.std(ddof=1),
    }
    for text, want in closed.items():
        transform = build(f"dense('r') | {text}")
        update = jax.jit(transform.update)
        got = update({}, transform.init(rollout), rollout)[0]["r"].value
        assert got.dtype == jnp.float32
        assert np.abs(np.asarray(got) - want).max() <= 1e-5 * np.abs(want).max(), text


@pytest.mark.parametrize("width", [1, 64, 65, 4096, 4097, 65536])
def test_plain_returns_over_many_blocks(width):
    """Sums from the right in float64, over the holes of the mask, which hold NaN."""
    rng = np.random.default_rng(width)
    mask = rng.random((3, width)) < 0.8
    mask[2] = False
    reward = rng.normal(size=mask.shape).astype(np.float32) + 1
    rollout = from_arrays(mask, r=np.where(mask, reward, np.nan))
    transform = build("dense('r') | returns_to_go()")
    got = apply(transform, rollout)["r"].value
    kept = np.where(mask, reward, 0).astype(np.float64)
    want = np.where(mask, np.cumsum(kept[:, ::-1], axis=1)[:, ::-1], 0)
    assert np.abs(np.asarray(got) - want).max() <= 1e-5 * np.abs(want).max()
