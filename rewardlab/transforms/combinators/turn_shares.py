"""An outcome cut into shares of turns."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.core import masked
from rewardlab.core.compose import find, named, stateless
from rewardlab.core.types import (
    Channels,
    Coefficient,
    RewardTransform,
    Rollout,
    coefficient,
    place,
)


@named
def share_by_softmax(
    channel: str, by: str, temperature: Coefficient = 0.7
) -> RewardTransform:
    """r_k = R softmax_k(q_k L / temperature), q_k the turn's mean of `by`, at its end.

    R = 1 and two turns with q L = 0.7 and 0 -> 0.73 and 0.27.

    R is the row's total of `channel`, and L the mean length of the batch's turns in
    tokens of the policy. The shares of a row add up to R, and are even as the
    temperature grows. Both channels become one. (ITPO, arXiv 2603.23550)
    """

    def share(rewards: Channels, rollout: Rollout) -> Channels:
        outcome, score = find(rewards, channel), find(rewards, by)
        ends = masked.step_ends(rollout)
        length = masked.safe_divide(jnp.sum(1.0 * rollout.mask), jnp.sum(ends))
        heat = _means(score.value, rollout) * length
        heat = heat / coefficient(temperature, rollout)
        part = jax.nn.softmax(heat, axis=1, where=ends)
        rest = {k: r for k, r in rewards.items() if k not in (channel, by)}
        where = ends & outcome.has_value[:, None]
        return {**rest, "reward": place(part * outcome.total[:, None], where)}

    return stateless(share)


def _means(x: Float[Array, "N T"], rollout: Rollout) -> Float[Array, "N T"]:
    """The mean over the tokens of each step, on each of them."""
    return masked.safe_divide(
        masked.step_total(x, rollout),
        masked.step_total(1.0 * rollout.mask, rollout).astype(jnp.int32),
    )
