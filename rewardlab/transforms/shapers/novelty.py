"""Less for what was seen often; nothing for what is not good enough."""

import jax.numpy as jnp
from jaxtyping import Array, Int

from rewardlab.core.compose import named, only, per_channel
from rewardlab.core.types import (
    Channels,
    Coefficient,
    Reward,
    RewardTransform,
    Rollout,
    SignalName,
    Static,
    coefficient,
)
from rewardlab.transforms.sources.signals import at_steps


@named
def keep_above(threshold: Coefficient) -> RewardTransform:
    """r where r > threshold, else 0.

    (0.2, 0.9) with threshold 0.5 -> (0, 0.9).
    """

    def keep(reward: Reward, rollout: Rollout) -> Reward:
        least = coefficient(threshold, rollout)
        return reward.map(lambda r: jnp.where(r > least, r, 0))

    return per_channel(keep)


@named
def divide_by_count(
    what: SignalName, size: Static[int], power: Coefficient = 3.0
) -> RewardTransform:
    """r / N(what)^power, with N how often `what` was rewarded, this batch included.

    A third reward for the same message, with power = 3 -> r / 27.

    The signal `what`, [N] or [N, S] for steps, holds numbers, such as hashes of
    messages; modulo `size` they index counters, which are kept in the state. (ONI,
    arXiv 2410.23022)
    """

    def update(
        rewards: Channels, seen: Int[Array, " size"], rollout: Rollout
    ) -> tuple[Channels, Int[Array, " size"]]:
        reward, number = only(rewards), rollout.signal(what)
        number = number if number.ndim == 2 else number[:, None]
        cell = at_steps(number, rollout) % size
        seen = seen.at[cell].add(reward.placed.astype(seen.dtype))
        often = jnp.maximum(seen[cell], 1).astype(reward.value.dtype)
        value = reward.value * often ** -coefficient(power, rollout)
        return dict.fromkeys(rewards, reward.with_value(value)), seen

    return RewardTransform(lambda rollout: jnp.zeros(size, jnp.int32), update)
