"""A row's rewards as one outcome, or as the return of each step."""

import jax.numpy as jnp

from rewardlab.core import masked, recursions
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import (
    Coefficient,
    Reward,
    RewardTransform,
    Rollout,
    SignalName,
    coefficient,
    place,
)
from rewardlab.transforms.sources.last_token import on_last_token
from rewardlab.transforms.sources.signals import at_steps


@named
def episode_return(every_step: bool = False) -> RewardTransform:
    """The row's total, on its last True token: steps and tokens become one outcome.

    (1, 0, 2) -> (none, none, 3).

    With `every_step` it stands on the last True token of each step, so a baseline
    counts a row once for each of its steps.
    """

    def gather(reward: Reward, rollout: Rollout) -> Reward:
        row, there = reward.total, reward.has_value[:, None]
        if not every_step:
            return on_last_token(row, there, rollout)
        return place(row[:, None], masked.step_ends(rollout) & there)

    return per_channel(gather)


@named
def return_from_step(
    discount: Coefficient = 1.0, match: SignalName = ""
) -> RewardTransform:
    """G_k = r_k + discount * G_{k+1}, on the last True token of step k.

    Steps of (1, 0, 2) -> (3, 2, 2) with discount = 1.

    r_k is the sum of the rewards inside the step. A step where the signal `match` [N,
    S] is not True keeps its own reward and ends the return of the steps before it,
    which get nothing through it (UI-S1, arXiv 2509.11543).
    """

    def gather(reward: Reward, rollout: Rollout) -> Reward:
        ends, rate = masked.step_ends(rollout), coefficient(discount, rollout)
        passes = rollout.mask
        if match:
            passes = passes & at_steps(rollout.signal(match) > 0, rollout)
        through = jnp.where(passes, reward.value, 0)
        keep = jnp.where(ends, jnp.where(passes, rate, 0), 1)
        later = recursions.accumulate(through, keep)
        later = jnp.pad(later, ((0, 0), (0, 1)))[:, 1:]
        own = reward.value + jnp.where(ends & passes, rate * later, 0)
        value = recursions.accumulate(own, jnp.where(ends, 0.0, 1.0))
        value = jnp.take_along_axis(value, masked.step_starts(rollout), axis=1)
        return place(value, ends & reward.has_value[:, None])

    return per_channel(gather)
