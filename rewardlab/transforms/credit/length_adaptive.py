"""GAE that looks the further ahead the longer a row is."""

import jax.numpy as jnp

from rewardlab.core import masked
from rewardlab.core.compose import named, on_one
from rewardlab.core.counts import count
from rewardlab.core.recursions import lambda_returns
from rewardlab.core.types import (
    Coefficient,
    Reward,
    RewardTransform,
    Rollout,
    SignalName,
    coefficient,
    place,
)


@named
def length_adaptive_gae(
    values: SignalName, discount: Coefficient = 1.0, alpha: Coefficient = 0.05
) -> RewardTransform:
    """`gae` with decay = max(0, 1 - 1 / (alpha l)) in a row of l tokens of the policy.

    alpha = 0.05: rows of 20, 40 and 400 tokens -> decay 0, 0.5 and 0.95.

    The weights decay^k of the errors to come add up to about alpha l, a share of the
    row. Rows of 1 / alpha tokens or fewer get decay 0, the error of one step: give
    short rows a greater alpha. (VAPO, arXiv 2504.05118)
    """

    def accumulate(reward: Reward, rollout: Rollout) -> Reward:
        gamma, rate = coefficient(discount, rollout), coefficient(alpha, rollout)
        share = masked.safe_divide(1 / rate, count(rollout.mask))
        decay = jnp.maximum(0, 1 - share)[:, None]
        value = jnp.where(rollout.mask, rollout.signal(values), 0)
        returns = lambda_returns(reward.value, value, rollout.mask, gamma, decay)
        return place(returns - value, rollout.mask & reward.has_value[:, None])

    return on_one(accumulate)
