"""A baseline of the policy's own rows, for groups in which others stand too."""

import jax.numpy as jnp

from rewardlab.core import edges, masked
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import Reward, RewardTransform, Rollout


@named
def center_by_own_rows(
    divide_by_std: bool = False, eps: float = 1e-6
) -> RewardTransform:
    """r - mean over those rows of the group that the policy sampled by itself.

    Own rows of 1, 0 and an expert's of 1 -> 1/2, -1/2, 1/2. With `divide_by_std` it is
    divided by their standard deviation (over n - 1) + eps; 1 stands for one that is 0
    or of one row alone, whose mean is not taken off either. ("split" of LUFFY's code,
    `mix_core_alg`)
    """

    def center(reward: Reward, rollout: Rollout) -> Reward:
        own = ~masked.borrowed(rollout)
        mine = reward.keep(own)
        n = masked.sum_over_group(mine.count, rollout)
        mean = masked.safe_divide(masked.sum_over_group(mine.total, rollout), n)
        several = n > 1
        centred = reward.map(jnp.subtract, jnp.where(several, mean, 0))
        if not divide_by_std:
            return centred
        away = centred.map(lambda x: x**2).keep(own)
        squares = masked.sum_over_group(away.total, rollout)
        std = edges.root(masked.safe_divide(squares, n - 1))
        std = jnp.where(several & (std > 0), std, 1)
        return centred.map(lambda x, s: x / (s + eps), std)

    return per_channel(center)
