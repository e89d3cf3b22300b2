"""Several objectives without a common currency: only what nothing beats counts."""

import jax.numpy as jnp

from rewardlab.core import masked
from rewardlab.core.compose import named
from rewardlab.core.narrow import across_outcomes
from rewardlab.core.types import Channels, RewardTransform, Rollout, place
from rewardlab.selection.pareto import nondominated


@named
def keep_pareto_front() -> RewardTransform:
    """r_k(x_i) * N / n(P) for the n(P) rows that none of the N dominates; others: none.

    A row is its totals in all channels; it is dominated if another row is at least as
    good in all of them and better in one, and equal rows do not dominate each other.
    The factor makes a mean over all rows a mean over the front. A row without a value
    in some channel is left out. Without a baseline a negative reward on the front
    still pushes down. (Parrot, arXiv 2401.05675, eq. 4)
    """

    def select(rewards: Channels, rollout: Rollout) -> Channels:
        scores = jnp.stack([jnp.sum(r.value, axis=1) for r in rewards.values()], 1)
        there = jnp.stack([r.has_value for r in rewards.values()], 1).all(axis=1)
        front = nondominated(scores, there)
        rows = jnp.sum(there).astype(scores.dtype)
        factor = masked.divide(rows, jnp.sum(front))
        return {
            name: place(factor * r.value, r.placed & front[:, None])
            for name, r in rewards.items()
        }

    return across_outcomes(select)
