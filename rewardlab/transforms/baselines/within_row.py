"""A baseline among rewards of the same row."""

import jax
import jax.numpy as jnp

from rewardlab.core import masked
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import Reward, RewardTransform, Rollout, SignalName, place
from rewardlab.transforms.sources.signals import at_steps


@named
def center_within_row(
    label: SignalName, keep_singletons: bool = False
) -> RewardTransform:
    """r_k - mean of the row's rewards at steps of the same label.

    A row (1, 0, 5) with labels (0, 0, 1) -> (1/2, -1/2, none).

    The signal `label` [N, S] holds integers 0..S-1: equal labels mark steps of a row
    that try the same thing, such as several answers to one thought. A reward alone with
    its label has no baseline and is removed; `keep_singletons` keeps it. (The summaries
    of AnytimeReasoner, arXiv 2505.13438)
    """

    def center(reward: Reward, rollout: Rollout) -> Reward:
        labels = rollout.signal(label)
        rows, count = labels.shape
        kind = jnp.clip(at_steps(labels, rollout), 0, count - 1)
        cell = jnp.where(reward.placed, jnp.arange(rows)[:, None] * count + kind, 0)
        score = jnp.where(reward.placed, reward.value, jnp.inf)
        low = jax.ops.segment_min(score.ravel(), cell.ravel(), rows * count)[cell]
        distance = jnp.where(reward.placed, reward.value - low, 0)
        sums, n = (
            jax.ops.segment_sum(x.ravel(), cell.ravel(), rows * count)[cell]
            for x in (distance, reward.placed.astype(jnp.int32))
        )
        centred = distance - masked.safe_divide(sums, n)
        if keep_singletons:
            return reward.with_value(jnp.where(n > 1, centred, reward.value))
        return place(centred, reward.placed & (n > 1))

    return per_channel(center)
