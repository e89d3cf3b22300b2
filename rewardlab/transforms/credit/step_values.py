"""One number of a step, on all its tokens."""

import jax.numpy as jnp

from rewardlab.core import masked, recursions
from rewardlab.core.compose import named, on_one
from rewardlab.core.types import (
    Reward,
    RewardTransform,
    Rollout,
    SignalName,
    place,
)
from rewardlab.transforms.sources.signals import at_steps


@named
def broadcast_step_values() -> RewardTransform:
    """A_t = the value on the last True token of t's step, on every True token.

    Two steps of two tokens with (5, 3, 2, 1) -> (3, 3, 1, 1).

    After `returns_to_go` a token is credited with what follows its step, not with what
    follows the token. (PRL's released code, arXiv 2601.10201, which skips a value of
    exactly 0 and takes the next step's)
    """

    def broadcast(reward: Reward, rollout: Rollout) -> Reward:
        ends = masked.step_ends(rollout)
        last = jnp.where(ends, reward.value, 0)
        value = recursions.accumulate(last, jnp.where(ends, 0, 1))
        return place(value, rollout.mask & reward.has_value[:, None])

    return on_one(broadcast)


@named
def step_advantage(name: SignalName) -> RewardTransform:
    """A_t = the signal `name` of t's step, on every True token of rows with a reward.

    (0.2, -0.1) for two steps of two tokens -> (0.2, 0.2, -0.1, -0.1).

    The signal [N, S] is what a critic makes of the reward that arrives here, which is
    its goal and nothing else: the reward itself goes no further. Steps beyond the last
    column have none. (ArCHer, arXiv 2402.19446, whose critic is `double_critic`)
    """

    def credit(reward: Reward, rollout: Rollout) -> Reward:
        value = rollout.signal(name)
        where = rollout.mask & reward.has_value[:, None]
        return place(at_steps(value, rollout), where & (rollout.step < value.shape[1]))

    return on_one(credit)
