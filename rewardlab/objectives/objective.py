"""Objectives: (token statistics, rollout, advantage) -> `Sum`.

An objective is a list of per-token losses and one aggregation. Losses are what papers
differ in by a line; an aggregation is a weight for each token and a count for each row,
so that sums over shards and micro-batches divide once, by the count of the whole batch.
"""

import dataclasses
from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rewardlab.core.types import Rollout, Sum
from rewardlab.models.logprobs import TokenStats

Advantage = Float[Array, "N T"]
Metrics = dict[str, Sum]
Loss = Callable[[TokenStats, Rollout, Advantage], tuple[Float[Array, "N T"], Metrics]]
Aggregation = Callable[
    [Bool[Array, "N T"]], tuple[Float[Array, "N T"], Float[Array, " N"]]
]
Objective = Callable[[TokenStats, Rollout, Advantage], tuple[Sum, Metrics]]


def objective(*losses: Loss, aggregate: Aggregation) -> Objective:
    """The sum of per-token losses, aggregated: sum_it w_it l_it / sum_i c_i.

    Losses are given zeros outside the mask in the statistics, in `rollout.logp` and in
    the advantage, so nothing there reaches a value or a gradient. What a loss reads
    from `rollout.signals` it selects itself.
    """

    def total(
        stats: TokenStats, rollout: Rollout, advantage: Advantage
    ) -> tuple[Sum, Metrics]:
        inside = lambda x: jnp.where(rollout.mask, x, 0)  # noqa: E731
        own = {k: inside(getattr(stats, k)) for k in ("logp", "entropy", "uniform")}
        stats = stats._replace(**own)
        rollout = dataclasses.replace(rollout, logp=inside(rollout.logp))
        parts = [loss(stats, rollout, inside(advantage)) for loss in losses]
        per_token = sum(part for part, _ in parts)
        weight, count = aggregate(rollout.mask)
        value = jnp.sum(inside(weight * per_token))
        metrics = {k: v for _, named in parts for k, v in named.items()}
        return Sum(value, jnp.sum(count)), metrics

    return total
