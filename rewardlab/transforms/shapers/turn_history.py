"""A turn judged against the turns before it."""

from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.core import masked
from rewardlab.core.compose import named, on_one
from rewardlab.core.types import (
    Coefficient,
    Reward,
    RewardTransform,
    Rollout,
    coefficient,
)


@named
def shape_by_turn_history(
    how: Literal["quality", "margin"] = "quality",
    alpha: Coefficient = 0.5,
    beta: Coefficient = 0.0,
    pooled: bool = False,
) -> RewardTransform:
    """r + alpha (Q r - (1 - Q)(1 - r)) + beta r_last, Q the mean of earlier turns.

    Turns (1, 0, 1) with alpha = 0.5 -> (1, 0, 1.25).

    Right after right is worth more, wrong after wrong less; "margin" is r + alpha (r -
    Q) instead. Q is that of the row's own rewards in steps before, or with `pooled` of
    all rows of the prompt, as in a debate. First turns stay as they are. (MARTI, in the
    code of MAPPA, arXiv 2601.23228)
    """

    def shape(reward: Reward, rollout: Rollout) -> Reward:
        total, count = reward.value, 1.0 * reward.placed
        if pooled:
            total, count = (_before(x, rollout) for x in (total, count))
        else:
            start = masked.step_starts(rollout)
            total, count = (
                jnp.take_along_axis(jnp.cumsum(x, axis=1) - x, start, axis=1)
                for x in (total, count)
            )
        quality = total / jnp.where(count > 0, count, 1)
        last = jnp.where(masked.last(reward.placed), reward.value, 0)
        rate, share = coefficient(alpha, rollout), coefficient(beta, rollout)
        bonus = {
            "quality": lambda r, q: q * r - (1 - q) * (1 - r),
            "margin": lambda r, q: r - q,
        }[how](reward.value, quality)
        bonus = rate * bonus + share * jnp.sum(last, axis=1, keepdims=True)
        return reward.with_value(reward.value + jnp.where(count > 0, bonus, 0))

    return on_one(shape)


def _before(x: Float[Array, "N T"], rollout: Rollout) -> Float[Array, "N T"]:
    """The sum over the prompt's rows of what stands in steps before each token's."""
    number, rows = jnp.maximum(rollout.step, 0), jnp.arange(x.shape[0])[:, None]
    each = masked.sum_over_group(jnp.zeros_like(x).at[rows, number].add(x), rollout)
    return jnp.take_along_axis(jnp.cumsum(each, axis=1) - each, number, axis=1)
