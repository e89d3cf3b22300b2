"""Credit of tokens that several rows share."""

from collections.abc import Callable

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Int

from rewardlab.core import masked
from rewardlab.core.compose import named, on_one
from rewardlab.core.types import Reward, RewardTransform, Rollout, SignalName


@named
def share_prefixes(node: SignalName) -> RewardTransform:
    """A_t = mean of A_t over the group's rows that share token t.

    Rows with A = 1 and 0 and a common first token -> 1/2 there, 1 and 0 after it.

    The signal `node` [N, T] of integers says which rows do: rows of one prompt with the
    same node in column t have all tokens up to there in common. A token of one row
    keeps its advantage. Hard attribution of ARPO (arXiv 2507.19849); its soft
    attribution leaves this word out.
    """

    def share(reward: Reward, rollout: Rollout) -> Reward:
        here = jnp.asarray(rollout.signal(node))  # rows are read by traced numbers
        placed, value = jnp.asarray(reward.placed), jnp.asarray(reward.value)
        size = masked.group_size(rollout)
        partner = _partners(rollout.group, size)

        def add(d: Array, sums: tuple[Array, Array]) -> tuple[Array, Array]:
            other = partner(d)
            same = placed & placed[other] & (here == here[other])
            same &= (d < size)[:, None]
            above, count = sums
            return above + jnp.where(same, value[other] - value, 0), count + same

        # A loop over the members of a group is many times faster than to sort tokens.
        start = (jnp.zeros_like(value), jnp.ones(value.shape, jnp.int32))
        above, count = lax.fori_loop(1, jnp.max(size, initial=1), add, start)
        return reward.with_value(value + masked.safe_divide(above, count))

    return on_one(share)


def _partners(
    group: Int[Array, " N"], size: Int[Array, " N"]
) -> Callable[[Int[Array, ""]], Int[Array, " N"]]:
    """d -> the row d places after each row in its group, cyclically."""
    order = jnp.argsort(group)
    place = jnp.argsort(order)  # where each row stands when groups are side by side
    first = jnp.searchsorted(group[order], group)
    return lambda d: order[first + (place - first + d) % size]
