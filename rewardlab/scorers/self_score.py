"""The policy's own verdict: how likely it finds a token that nothing uses."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from rewardlab.core.types import Rollout, Static
from rewardlab.reward_models.laser import self_score as scored
from rewardlab.reward_models.laser import verdict
from rewardlab.scorers.asking import after_each
from rewardlab.scorers.passes import Maker
from rewardlab.scorers.protocol import Context, Scorer, Setting


def self_score(
    baseline: float = -23.0, beta: float = 0.1, token: Static[int] = 0
) -> Maker:
    """`self_score` [N]: beta (l - baseline) within [0, 1], the policy's own verdict.

    `l` is the policy's log-prob of an unused `token` after the last one of the row, in
    nats; above 0.5 it calls its completion right. The term `self_verdict` of the loss,
    with the same numbers, teaches it; else it says nothing. One forward pass. (LaSeR,
    arXiv 2510.14943: the method `laser`)

    self_score(): l = -18 -> 0.5;  l = -30 -> 0
    """

    def make(setting: Setting) -> Scorer:
        model = setting.models["policy"]

        def score(
            state: Any, context: Context, rollout: Rollout, batch: Any
        ) -> dict[str, Array]:
            found = after_each(model, context.params["policy"], rollout, (token,))
            last = jnp.maximum(jnp.sum(rollout.valid, axis=1, keepdims=True) - 1, 0)
            logp = jnp.take_along_axis(found[..., 0], last, axis=1)[:, 0]
            said = verdict(scored(logp, baseline, beta))
            rows = jnp.any(rollout.valid, axis=1)
            return {"self_score": jnp.where(rows, said, 0)}

        return Scorer("self_score", {"self_score": "N"}, (), "shard", score)

    return make
