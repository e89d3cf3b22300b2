"""Min-form credit: a chain of steps is as good as its worst step."""

import jax

from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import (
    Coefficient,
    Reward,
    RewardTransform,
    Rollout,
    coefficient,
)


@named
def softmin_credit(temperature: Coefficient = 0.1) -> RewardTransform:
    """r_k = w_k s_k with w = softmax_k(-s_k / temperature) over the row's steps.

    (0.9, 0.1) with temperature = 0.1 -> (0.0003, 0.1).

    The row's total is a soft minimum: min_k s_k as the temperature goes to 0, never
    above max_k s_k. Ties share the weight. (PURE, arXiv 2504.15275)
    """

    def weigh(reward: Reward, rollout: Rollout) -> Reward:
        heat = -reward.value / coefficient(temperature, rollout)
        weight = jax.nn.softmax(heat, axis=1, where=reward.placed)
        return reward.with_value(weight * reward.value)

    return per_channel(weigh)
