"""Only the tokens at which the policy was uncertain."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rewardlab.core.compose import named, per_channel
from rewardlab.core.order import kth_smallest
from rewardlab.core.types import (
    Coefficient,
    Reward,
    RewardTransform,
    Rollout,
    SignalName,
    coefficient,
)

SLACK = 1e-3  # in places of the sorted batch: 0.8 * 10 may round to 8.000001


@named
def keep_high_entropy(
    share: Coefficient = 0.2,
    entropy: SignalName = "entropy",
    per_row: bool = False,
) -> RewardTransform:
    """A_t = 1[H_t >= quantile_{1-share}(H)] A_t, over all True tokens of the batch.

    A = (1, 1) and H = (0.1, 2) with share = 0.5 -> (0, 1).

    With `per_row`, over the tokens of each row (EARL, arXiv 2511.12033). The signal
    `entropy` [N, T] is the sampling policy's, in nats. Ties with the quantile stay;
    dropped tokens still count in the mean of the loss. The 80/20 rule, arXiv
    2506.01939; TRL takes the entropies of the policy being trained, which are the same
    at the first update on a batch.
    """

    def keep(reward: Reward, rollout: Rollout) -> Reward:
        part = coefficient(share, rollout)
        kept = high_entropy(rollout.signal(entropy), rollout.mask, part, per_row)
        return reward.with_value(jnp.where(kept, reward.value, 0))

    return per_channel(keep)


def high_entropy(
    entropy: Float[Array, "N T"],
    mask: Bool[Array, "N T"],
    share: float | Float[Array, ""] = 0.2,
    per_row: bool = False,
) -> Bool[Array, "N T"]:
    """Whether each True token is at or above the (1 - share) quantile of them all.

    The quantile with linear interpolation lies above the sorted entry before it, unless
    that equals the next, so the next one divides the tokens alike and without rounding.
    """
    sets = mask if per_row else mask.reshape(1, -1)
    values = jnp.where(mask, entropy, jnp.inf).reshape(sets.shape)
    place = (1 - share) * (jnp.sum(sets, axis=1, keepdims=True) - 1)
    place = jnp.ceil(place - SLACK).astype(jnp.int32)
    place = jnp.clip(place, 0, values.shape[1] - 1)
    return mask & (entropy >= kth_smallest(values, place))
