"""A reward for being short among the answers to the same prompt."""

import jax.numpy as jnp

from rewardlab.core import masked
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import Reward, RewardTransform, Rollout
from rewardlab.transforms.sources.last_token import on_last_token


@named
def group_length_reward() -> RewardTransform:
    """lam = 1/2 - (len - min len) / (max len - min len); min(0, lam) if not right.

    Right answers of 10, 20 and 30 tokens -> 1/2, 0, -1/2; wrong ones -> 0, 0, -1/2.

    Lengths are in tokens of the policy, over the group's rows that have a reward; an
    answer is right if its reward is above 0. Equal lengths give 0. The result stands on
    the last True token. (Kimi k1.5, arXiv 2501.12599)
    """

    def shorten(reward: Reward, rollout: Rollout) -> Reward:
        length, heard = masked.count(rollout.mask), reward.has_value
        least = masked.group_min(jnp.where(heard, length, jnp.inf), rollout)
        most = -masked.group_min(jnp.where(heard, -length, jnp.inf), rollout)
        share = masked.safe_divide(length - least, most - least)
        bonus = jnp.where(most > least, 0.5 - share, 0)
        right = reward.total > 0
        value = jnp.where(right, bonus, jnp.minimum(bonus, 0))
        return on_last_token(value, heard[:, None], rollout)

    return per_channel(shorten)
