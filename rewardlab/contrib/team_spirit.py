"""Rewards of players in one game: shared within a team, and against the other."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import (
    Coefficient,
    Reward,
    RewardTransform,
    Rollout,
    SignalName,
    coefficient,
)


@named
def team_spirit(team: SignalName, share: Coefficient = 0.3) -> RewardTransform:
    """(1 - share) r_i + share (mean r of the team - mean r of the others).

    One player a side with r = 1, 0 and share = 0.3 -> 1, -0.3.

    The rows of a group are the players of one game; the signal `team` [N] is > 0 for
    one side. Rewards are compared in the same column, so they must stand on the same
    tokens; players without a reward there do not count. (arXiv 2305.15801)
    """

    def mix(reward: Reward, rollout: Rollout) -> Reward:
        side = (rollout.signal(team) > 0)[:, None]

        def mean_of(players: Bool[Array, "N 1"]) -> Float[Array, "N T"]:
            there = reward.placed & players
            sums = masked.sum_over_group(jnp.where(there, reward.value, 0), rollout)
            counts = masked.sum_over_group(there.astype(jnp.int32), rollout)
            return masked.safe_divide(sums, counts)

        ahead = jnp.where(side, 1, -1) * (mean_of(side) - mean_of(~side))
        part = coefficient(share, rollout)
        return reward.with_value((1 - part) * reward.value + part * ahead)

    return per_channel(mix)
