"""Statistics of a group's first steps, one a row, so that long rows weigh no more."""

import jax.numpy as jnp

from rewardlab.core import edges, masked
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import Reward, RewardTransform, Rollout, place


@named
def center_by_first_steps(keep_singletons: bool = False) -> RewardTransform:
    """r_k - mean over the group's rows of their first placed reward.

    Every step of a row is compared with how rows of its group begin: iStar's released
    code (arXiv 2509.19199). A row alone in its group has no baseline and nothing is
    placed; with `keep_singletons` its rewards stay.
    """

    def center(reward: Reward, rollout: Rollout) -> Reward:
        first = _first(reward)
        start = jnp.sum(first.value, axis=1)
        scored = reward.has_value
        low = masked.group_min(jnp.where(scored, start, jnp.inf), rollout)
        rows = masked.sum_over_group(scored.astype(jnp.int32), rollout)
        above = masked.sum_over_group(jnp.where(scored, start - low, 0), rollout)
        mean = masked.safe_divide(above, rows)
        centred = reward.value - low[:, None] - mean[:, None]
        compared = (rows > 1)[:, None]
        if keep_singletons:
            return reward.with_value(jnp.where(compared, centred, reward.value))
        return place(centred, reward.placed & compared)

    return per_channel(center)


@named
def scale_by_first_steps_std(eps: float = 1e-6) -> RewardTransform:
    """r_k / (std over the group's rows of their first placed reward + eps).

    The variance divides by rows - 1, and is exactly 0 of equal rewards; the std of a
    lone row counts as 1, as one of 0 does with eps=0.
    """

    def scale(reward: Reward, rollout: Rollout) -> Reward:
        start = jnp.sum(_first(reward).value, axis=1)
        scored = reward.has_value
        rows = masked.sum_over_group(scored.astype(jnp.int32), rollout)
        low = masked.group_min(jnp.where(scored, start, jnp.inf), rollout)
        above = jnp.where(scored, start - low, 0)
        mean = masked.safe_divide(masked.sum_over_group(above, rollout), rows)
        squares = jnp.where(scored, (above - mean) ** 2, 0)
        var = masked.safe_divide(masked.sum_over_group(squares, rollout), rows - 1)
        std = jnp.where(rows > 1, jnp.sqrt(var), 1)
        return reward.with_value(edges.over(reward.value, std[:, None], eps))

    return per_channel(scale)


def _first(reward: Reward) -> Reward:
    so_far = jnp.cumsum(reward.placed, axis=1)
    return place(reward.value, reward.placed & (so_far == 1))
