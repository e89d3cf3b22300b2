"""Rewards for being shorter than the others of the group, in tokens."""

import jax.numpy as jnp

from rewardlab.core import edges, masked
from rewardlab.core.compose import add_channel, named, stateless
from rewardlab.core.types import Channels, RewardTransform, Rollout, SignalName
from rewardlab.transforms.sources.last_token import on_last_token, scored
from rewardlab.transforms.sources.signals import validity


@named
def shorter_than_group() -> RewardTransform:
    """Adds channel `brevity`: clip((mean - L) / L, -1, 1) on a row's last True token.

    Rows of 10 and 30 tokens -> 1, -1/3.

    L counts the row's True tokens; the mean is over its group, right or wrong: the
    length reward of O1-Pruner in the code of arXiv 2509.05489.
    """

    def source(rewards: Channels, rollout: Rollout) -> Channels:
        length = masked.count(rollout.mask)
        rows = masked.sum_over_group((length > 0).astype(jnp.int32), rollout)
        total = masked.sum_over_group(length.astype(rollout.logp.dtype), rollout)
        saved = masked.safe_divide(masked.safe_divide(total, rows) - length, length)
        everyone = jnp.ones((len(length), 1), bool)
        reward = on_last_token(jnp.clip(saved, -1, 1), everyone, rollout)
        return add_channel(rewards, "brevity", reward)

    return stateless(source)


@named
def shorter_than_correct(name: SignalName, eps: float = 1e-5) -> RewardTransform:
    """Adds channel `brevity`: c (1 - 2 sigmoid((L - mean) / (std + eps))), last token.

    Right rows of 10 and 30 tokens -> 0.46, -0.46.

    The signal `name` [N] is c, the correctness; mean and std (over n) are those of the
    lengths L of the group's rows with c > 0. A wrong row, and a lone right one, get 0.
    The efficient-reasoning reward in the code of arXiv 2509.05489.
    """

    def source(rewards: Channels, rollout: Rollout) -> Channels:
        valid = validity(rollout, name)
        correct = jnp.where(scored(valid, rollout), rollout.signal(name), 0)
        right = correct > 0
        length = masked.count(rollout.mask).astype(rollout.logp.dtype)
        n = masked.sum_over_group(right.astype(jnp.int32), rollout)
        total = masked.sum_over_group(jnp.where(right, length, 0), rollout)
        away = length - masked.safe_divide(total, n)
        squares = masked.sum_over_group(jnp.where(right, away**2, 0), rollout)
        z = edges.over(away, jnp.sqrt(masked.safe_divide(squares, n)), eps)
        price = jnp.where(right & (n > 1), -jnp.tanh(z / 2), 0)
        reward = on_last_token(correct * price, valid, rollout)
        return add_channel(rewards, "brevity", reward)

    return stateless(source)
