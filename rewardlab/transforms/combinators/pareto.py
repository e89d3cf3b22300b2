"""Several objectives without a common unit: only undominated rows count."""

import jax.numpy as jnp

from rewardlab.core import masked
from rewardlab.core.compose import named, stateless
from rewardlab.core.types import Channels, RewardTransform, Rollout
from rewardlab.selection.pareto import nondominated


@named
def keep_pareto_front() -> RewardTransform:
    """r_k(x_i) * N / n(P) for the n(P) undominated of N rows; other rows have none.

    Totals (1, 0), (0, 1), (0, 0) -> the first two times 3/2.

    A row is dominated if another row is at least as good in all channels and better in
    one; equal rows do not dominate each other. With the factor, a mean over all rows is
    a mean over the front. A row without a value in some channel is left out. Without a
    baseline a negative reward on the front still pushes down. (Parrot, arXiv
    2401.05675, eq. 4)
    """

    def select(rewards: Channels, rollout: Rollout) -> Channels:
        scores = jnp.stack([r.total for r in rewards.values()], 1)
        there = jnp.stack([r.has_value for r in rewards.values()], 1).all(axis=1)
        front = nondominated(scores, there)
        rows = jnp.sum(there).astype(scores.dtype)
        factor = masked.safe_divide(rows, jnp.sum(front))
        return {
            name: reward.keep(front).map(lambda r: factor * r)
            for name, reward in rewards.items()
        }

    return stateless(select)
