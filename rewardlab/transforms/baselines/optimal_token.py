"""A baseline for every token, weighted by how far each row moves the policy."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core import masked
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import Reward, RewardTransform, Rollout, SignalName, place


@named
def optimal_token_baseline(
    square: SignalName = "sum_pi_squared",
    weight: SignalName = "",
    keep_tail: bool = False,
    by_column: bool = False,
    eps: float = 0.0,
) -> RewardTransform:
    """r_t - sum_j W_jt r_jt / (sum_j W_jt + eps) over the rows j of the group.

    Rows with r = 1, 0 and W = 3, 1 -> 1/4, -3/4 (eps = 0).

    W_t sums the squared score norms (1 - 2 p_u + sum_v p_u(v)^2) w_u^2 of the tokens u
    <= t: with these weights the variance of the gradient is smallest. `square` is sum_v
    p(v)^2 [N, T], and `weight` an importance weight w [N, T]. Rows are compared at the
    k-th True token, or with `by_column` in the same column. With `keep_tail`, tokens
    that only the longest row of a group reaches keep their reward. A row without
    another scored row in its group has nothing placed. verl has eps=1e-8, and its
    weights. (The Optimal Token Baseline, arXiv 2602.07078)
    """

    def center(reward: Reward, rollout: Rollout) -> Reward:
        chosen = jnp.where(rollout.mask, jnp.exp(rollout.logp), 0)
        energy = jnp.where(rollout.mask, 1 - 2 * chosen + rollout.signal(square), 0)
        if weight:
            w = jnp.where(rollout.mask, rollout.signal(weight), 0)
            energy = energy * w**2
        total = jnp.where(reward.placed, jnp.cumsum(energy, axis=1), 0)
        past = jnp.cumsum(rollout.mask, axis=1)  # True tokens, this one among them
        columns = jnp.broadcast_to(jnp.arange(past.shape[1])[None], past.shape)
        time = columns if by_column else jnp.maximum(past - 1, 0)
        score = jnp.where(reward.placed, reward.value, jnp.inf)
        least = masked.group_min(jnp.min(score, axis=1), rollout)[:, None]
        distance = jnp.where(reward.placed, reward.value - least, 0)
        sums = _at_time(total * distance, time, rollout)
        weights = _at_time(total, time, rollout)
        over = jnp.where(weights + eps == 0, 1, weights + eps)
        centred = distance + least * (1 - weights / over) - sums / over
        alone = _beyond_the_others(past[:, -1], time, rollout) & keep_tail
        centred = jnp.where(alone, reward.value, centred)
        rows = reward.has_value.astype(jnp.int32)
        compared = masked.sum_over_other_rows(rows, rollout) > 0
        return place(centred, reward.placed & compared[:, None])

    return per_channel(center)


def _at_time(
    x: Float[Array, "N T"], time: Int[Array, "N T"], rollout: Rollout
) -> Float[Array, "N T"]:
    """The sum over the group at the same time, one number a token."""
    groups, width = rollout.prompts.shape[0], x.shape[1]
    cell = rollout.group[:, None] * width + time
    return masked.set_sum(x, cell, groups * width)


def _beyond_the_others(
    length: Int[Array, " N"], time: Int[Array, "N T"], rollout: Rollout
) -> Bool[Array, "N T"]:
    longest = masked.max_of_other_rows(length, rollout)[:, None]
    return (length[:, None] > longest) & (time >= longest)
