"""Values of states out of outcomes alone: rows of a group that meet in equal states.

The states that a group's rows visit are the nodes of a graph, their turns its edges. No
network, no judge: a state that one row alone visits is worth what that row got.
"""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from rewardlab.core import masked

Ids = Int[Array, "N S"]
Steps = Bool[Array, "N S"]


def pooled_returns(
    outcome: Float[Array, " N"],
    state: Ids,
    there: Steps,
    discount: Float[Array, ""] | float,
) -> Float[Array, "N S"]:
    """V(s) = mean over the visits of s of discount^(turns after it) R of their row.

    Rows s a with R = 1 and s with R = 0, discount 0.9 -> V(s) = 0.45, V(a) = 1.

    `state` are numbers 0 .. N S - 1, equal where two visits are of one state; steps
    that are not `there` are in no mean and get 0.
    """
    after = jnp.cumsum(there[:, ::-1], axis=1)[:, ::-1] - there
    returns = jnp.where(there, discount**after * outcome[:, None], 0)
    visits = masked.set_sum(there.astype(jnp.int32), state, state.size)
    pooled = masked.set_sum(returns, state, state.size)
    return jnp.where(there, masked.safe_divide(pooled, visits), 0)


def goal_distances(
    state: Ids, there: Steps, goal: Bool[Array, " N"], group: Int[Array, " N"]
) -> Float[Array, "N S"]:
    """Fewest edges of the group's graph from each state to the end of a row in `goal`.

    Rows s a G (a goal) and s b -> 2, 1, 0 and 2, 3.

    `state` [N, S + 1] as in `pooled_returns`, with the state that each row ended in
    last. From where no goal can be reached the distance is the greatest of the group
    plus 1, and in a group without a goal it is infinite.
    """
    size = state.size
    last = masked.last(there) & goal[:, None]
    start = jnp.full(size, jnp.inf).at[state].min(jnp.where(last, 0.0, jnp.inf))
    edge = there[:, :-1] & there[:, 1:]
    source, target = state[:, :-1], state[:, 1:]

    def relax(found: tuple[Array, Array]) -> tuple[Array, Array]:
        distance, _ = found
        over = jnp.where(edge, distance[target] + 1, jnp.inf)
        shorter = distance.at[source].min(over)
        return shorter, jnp.any(shorter < distance)

    distance, _ = lax.while_loop(lambda x: x[1], relax, (start, jnp.array(True)))
    found = jnp.where(there, distance[state], jnp.inf)
    reached = jnp.where(jnp.isfinite(found), found, -jnp.inf)
    farthest = jax.ops.segment_max(
        jnp.max(reached, axis=1), group, num_segments=group.shape[0]
    )[group][:, None]
    beyond = jnp.where(jnp.isfinite(farthest), farthest + 1, jnp.inf)
    return jnp.where(jnp.isfinite(found), found, beyond)
