"""What rounding must not do: ties stay ties, and long rows stay exact."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rollouts import from_arrays

from rewardlab import METHODS, build, estimator

pytestmark = pytest.mark.usefixtures("strict_ranks")
AWKWARD = (0.1, 0.3, 0.7, 0.9, 1e4 + 0.1)  # none is a float; means of n of them round
RATIO = 1 - 2.0**-10  # a discount that float32 holds exactly


@pytest.mark.parametrize("reward", AWKWARD)
@pytest.mark.parametrize("rows", [3, 6, 7])
def test_equal_rewards_give_exactly_zero(reward, rows):
    """Group sums of equal numbers round; their advantages must not.

    verl gives 0.9 three times an advantage of 0.056 in float32: 6e-8 / (7e-8 + 1e-6).
    """
    mask = np.arange(5) < np.arange(1, rows + 1)[:, None] % 5 + 1
    score = np.full(rows, reward)
    rollout = from_arrays(mask, correct=score, dense=np.full(mask.shape, reward))
    texts = [m.sentence for m in METHODS.values() if m.reads == ("correct",)]
    hp = {"eps": 1e-6, "gamma": 1.0, "keep_singletons": False}
    for text in texts:
        given = {k: v for k, v in hp.items() if f"={k})" in text}
        assert not advantage(text, rollout, **given).any(), text
    for word in ("center_by_group()", "center_by_group(True)", "whiten()"):
        assert not advantage(f"dense('dense') | {word}", rollout).any(), word
    full = from_arrays(np.ones((rows, 5)), dense=np.full(mask.shape, reward))
    assert not advantage("dense('dense') | center_by_group_position()", full).any()


def advantage(text, rollout, **hp):
    closed = estimator(build(text, **hp))
    return np.asarray(jax.jit(closed.update)({}, closed.init(rollout), rollout)[0])


@pytest.mark.parametrize(
    "credit", [f"step_returns_to_go({RATIO}) | center_by_group()", "whiten()"]
)
def test_long_rows_in_float32(credit):
    """65,536 tokens in float32 are within 1e-5 (of the largest) of float64."""
    width, rng = 65536, np.random.default_rng(0)
    reward = rng.normal(size=(2, width)) + 1.0
    step = np.tile(np.arange(width) // 8, (2, 1))

    def numbers():
        r = jnp.asarray(reward, float)
        rollout = from_arrays(np.ones((2, width)), step=step, r=r)
        transform = build(f"dense('r') | {credit}")
        state = transform.init(rollout)
        return np.asarray(jax.jit(transform.update)({}, state, rollout)[0]["r"].value)

    single = numbers()
    with jax.enable_x64(True):
        double = numbers()
    assert single.dtype == np.float32 and double.dtype == np.float64
    assert np.abs(single - double).max() <= 1e-5 * np.abs(double).max()
