"""A bonus on the advantage of some tokens."""

import jax.numpy as jnp

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
def capped_bonus(name: SignalName, kappa: Coefficient = 2.0) -> RewardTransform:
    """A_t + min(max(b_t, 0), |A_t| / kappa), with the signal `name` as b.

    A = -1 and b = 5 with kappa = 2 -> -0.5.

    b is [N], on a row's last True token, or [N, T]. With kappa >= 1 the bonus never
    changes the sign of an advantage, and it is 0 where the advantage is 0. (VERL, arXiv
    2509.23808)
    """

    def add(reward: Reward, rollout: Rollout) -> Reward:
        bonus, where = rollout.signal(name), reward.placed
        if bonus.ndim == 1:
            bonus, where = bonus[:, None], where & masked.last(rollout.mask)
        most = jnp.abs(reward.value) / coefficient(kappa, rollout)
        capped = jnp.minimum(jnp.maximum(bonus, 0), most)
        return reward.with_value(reward.value + jnp.where(where, capped, 0))

    return per_channel(add)


@named
def position_bonus(scale: Coefficient = 0.1) -> RewardTransform:
    """A_t + sign(A_t) scale (t + 1) / n, on the t-th of a row's n True tokens.

    (1, 1) with scale = 0.1 -> (1.05, 1.1).

    Credit, positive or negative, grows towards the end of a row. arXiv 2508.02260 has
    sign(A) b_t with b growing in the relative position; the straight line is our guess.
    """

    def add(reward: Reward, rollout: Rollout) -> Reward:
        place = jnp.cumsum(rollout.mask, axis=1)
        relative = masked.safe_divide(place, place[:, -1:])
        bonus = coefficient(scale, rollout) * relative
        return reward.with_value(reward.value + jnp.sign(reward.value) * bonus)

    return per_channel(add)
