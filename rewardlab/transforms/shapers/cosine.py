"""A verdict becomes a curve of the length: short right answers, long wrong ones."""

import jax.numpy as jnp

from rewardlab.core import masked
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import Reward, RewardTransform, Rollout, SignalName


@named
def cosine_length(
    max_length: int | None = None,
    correct: tuple[float, float] = (1.0, 2.0),
    wrong: tuple[float, float] = (-10.0, 0.0),
    exceed: float = -10.0,
    margin: int = 16,
    wrong_penalty: SignalName = "",
) -> RewardTransform:
    """r = a + (b - a) (1 + cos(pi L / max_length)) / 2: from b at L = 0 to a.

    L counts the row's True tokens; `max_length` is the rollout's width unless given. A
    reward of exactly 1 is right: (a, b) = `correct`, less for longer rows. Any other
    reward is wrong: (b, a) = `wrong`, more for longer rows, plus the signal
    `wrong_penalty` [N], for instance for repetition. With L + margin >= max_length all
    rows get `exceed`. Defaults are those of the paper's runs (arXiv 2502.03373); its
    code treats an `exceed` of 0, which is better than a wrong answer, as none.
    """

    def bend(reward: Reward, rollout: Rollout) -> Reward:
        length = masked.count(rollout.mask)[:, None]
        most = rollout.mask.shape[1] if max_length is None else max_length
        right = reward.value == 1
        low = jnp.where(right, correct[0], wrong[1])
        high = jnp.where(right, correct[1], wrong[0])
        wave = 1 + jnp.cos(jnp.pi * length.astype(reward.value.dtype) / most)
        value = low + (high - low) * wave / 2
        if wrong_penalty:
            penalty = rollout.signal(wrong_penalty)[:, None]
            value = value + jnp.where(right, 0, penalty)
        value = jnp.where(length + margin >= most, exceed, value)
        last = masked.last(reward.placed)
        return reward.with_value(jnp.where(last, value, reward.value))

    return per_channel(bend)
