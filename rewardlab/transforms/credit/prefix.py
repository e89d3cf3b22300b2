"""Credit of tokens that several rows have in common."""

import functools

import jax
import jax.numpy as jnp

from rewardlab import masked
from rewardlab.compose import named, on_one
from rewardlab.types import Reward, RewardTransform, Rollout, SignalName


@named
def share_prefixes(node: SignalName) -> RewardTransform:
    """A_t = mean of A_t over the group's rows that share token t.

    The signal `node` [N, T] of integers says which do: rows of one prompt whose node at
    column t is the same have their tokens up to there in common. A token of one row
    only keeps its advantage. Hard attribution of ARPO (arXiv 2507.19849); its soft one
    leaves this word out.
    """

    def share(reward: Reward, rollout: Rollout) -> Reward:
        here, placed = rollout.signal(node), reward.placed
        group = jnp.broadcast_to(rollout.group[:, None], here.shape)
        column = functools.partial(jax.vmap, in_axes=1, out_axes=1)
        ids, rows = column(masked.alike)(placed, group, here), here.shape[0]
        over = column(lambda x, i: masked.set_sum(x, i, rows))
        least = column(lambda x, i: masked.set_least(x, i, rows))
        low = least(jnp.where(placed, reward.value, jnp.inf), ids)
        above = over(jnp.where(placed, reward.value - low, 0), ids)
        n = over(placed.astype(jnp.int32), ids)
        return reward.with_value(low + masked.divide(above, n))

    return on_one(share)
