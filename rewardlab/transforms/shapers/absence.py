"""A turn paid for what it adds to an episode without its agent."""

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
    Static,
    coefficient,
)
from rewardlab.transforms.sources.signals import at_steps


@named
def event_bonus(
    solo: SignalName = "solo",
    weight: Coefficient = 0.1,
    own: bool = False,
    graded: bool = False,
    agent: SignalName = "agent",
    of: Static[int] = 0,
) -> RewardTransform:
    """r + weight if r > 1/2 > b, r - weight if r < 1/2 < b, on turns of agent `of`.

    r = 1 of a turn of agent 0, where one of three rows is right alone: b = 1/3 -> 1.1.

    Rewards are verdicts of 0 to 1, and b is the mean over the prompt's rows of the
    signal `solo` [N], the verdict without that agent; with `own` it is the row's own.
    At b = 1/2 there is no event; `graded` is r + weight (r - b) instead. `agent` [N, S]
    says who wrote a turn. (CCPO, arXiv 2603.21563, whose verdicts are -1 and 1 and
    whose weight is twice this one)
    """

    def pay(reward: Reward, rollout: Rollout) -> Reward:
        alone, known = _baseline(rollout, solo, own)
        r, b = reward.value, alone[:, None]
        helped, harmed = (r > 0.5) & (b < 0.5), (r < 0.5) & (b > 0.5)
        bonus = r - b if graded else 1.0 * helped - harmed
        due = at_steps(rollout.signal(agent), rollout) == of
        more = coefficient(weight, rollout) * bonus
        return reward.with_value(r + jnp.where(due & known[:, None], more, 0))

    return per_channel(pay)


def _baseline(
    rollout: Rollout, solo: SignalName, own: bool
) -> tuple[Float[Array, " N"], Bool[Array, " N"]]:
    """b of each row, and where it has one."""
    value, there = masked.heard(rollout, solo)
    value = jnp.where(there, value, 0)
    if own:
        return value, there
    count = masked.sum_over_group(there.astype(jnp.int32), rollout)
    total = masked.sum_over_group(value, rollout)
    return masked.safe_divide(total, count), count > 0
