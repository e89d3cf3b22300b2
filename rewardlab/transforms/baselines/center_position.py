"""A baseline for every token position."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import Reward, RewardTransform, Rollout, place


@named
def center_by_group_position() -> RewardTransform:
    """r_t - mean over the group's rows of their values in the same column t.

    Rows (4, 2) and (2, no token) -> (1, 1) and (-1, none).

    Use it after `returns_to_go`; a row's environment tokens carry the return of the
    policy's next token. A row that has ended counts as 0 in later columns, which pulls
    their baseline towards 0, and different turns are compared: this is the first
    release of IGPO (arXiv 2510.14967), not its paper. A group with one row has no
    baseline and nothing is placed.
    """

    def center(reward: Reward, rollout: Rollout) -> Reward:
        scored = reward.has_value[:, None]
        carried = _carried(reward.value, rollout.mask)
        least = masked.group_min(jnp.where(scored, carried, jnp.inf), rollout)
        distance = jnp.where(scored, carried - least, 0)
        rows = masked.sum_over_group(reward.has_value.astype(jnp.int32), rollout)[
            :, None
        ]
        baseline = masked.safe_divide(masked.sum_over_group(distance, rollout), rows)
        return place(distance - baseline, reward.placed & (rows > 1))

    return per_channel(center)


def _carried(value: Float[Array, "N T"], mask: Bool[Array, "N T"]) -> Array:
    """The value of each token's next True token, or its own; 0 after the last."""
    width = mask.shape[1]
    place = jnp.where(mask, jnp.arange(width)[None], width)
    following = lax.cummin(place, axis=1, reverse=True)
    return jnp.take_along_axis(jnp.pad(value, ((0, 0), (0, 1))), following, axis=1)
