"""A share that is credit where the outcome is right, and blame where it is wrong."""

import jax.numpy as jnp

from rewardlab.core.compose import find, named, stateless
from rewardlab.core.reward import Number
from rewardlab.core.types import (
    Channels,
    Coefficient,
    RewardTransform,
    Rollout,
    coefficient,
)


@named
def credit_or_blame(
    channel: str, by: str, credit: Coefficient = 0.1, blame: Coefficient = 0.1
) -> RewardTransform:
    """r = r + credit b where r > 1/2, else r - blame b, with channel `by` as b.

    r = (1, 0) and b = 0.2 with the defaults -> (1.02, -0.02).

    `by` is removed; where it abstains it adds 0. (SEPO, in the code of CCPO, arXiv
    2603.21563; with verdicts of -1 and 1 the same bonus is twice as much)
    """

    def share(rewards: Channels, rollout: Rollout) -> Channels:
        own, other = find(rewards, channel), find(rewards, by)
        more, less = coefficient(credit, rollout), coefficient(blame, rollout)

        def pay(r: Number, b: Number) -> Number:
            return r + jnp.where(r > 0.5, more, -less) * b

        rest = {k: r for k, r in rewards.items() if k != by}
        return {**rest, channel: own.map(pay, other)}

    return stateless(share)
