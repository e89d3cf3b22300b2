"""A rubric: criteria with points, each met or not."""

import jax.numpy as jnp

from rewardlab.core.compose import add_channel, named, stateless
from rewardlab.core.types import Channels, RewardTransform, Rollout, SignalName
from rewardlab.transforms.sources.last_token import on_last_token
from rewardlab.transforms.sources.members import columns
from rewardlab.transforms.sources.signals import validity


@named
def rubric(
    met: SignalName, points: SignalName, signed_fallback: bool = False
) -> RewardTransform:
    """Adds channel `met`: sum_i p_i m_i / sum of the p_i > 0, on the last token.

    Points (2, 1, -1), met (1, 0, 1) -> (2 - 1) / 3.

    Both signals are [N, C]; p_i may be below 0 (a penalty), and rows with fewer
    criteria are filled with 0. Points that are not finite are skipped, and a criterion
    on which the judge failed (NaN) is not met. With no p_i > 0 the score is 0, or with
    `signed_fallback` the points met over sum |p_i|. It may be negative: add `floor(0)`,
    and for HealthBench `cap(1)`. m_i in (0, 1) is met in part, so equal points give a
    weighted share of nuggets. (InfiMed-ORBIT, arXiv 2510.15859)
    """

    def source(rewards: Channels, rollout: Rollout) -> Channels:
        worth, share = columns(rollout, points), columns(rollout, met)
        worth = jnp.where(jnp.isfinite(worth), worth, 0)
        earned = jnp.sum(worth * jnp.where(jnp.isfinite(share), share, 0), axis=1)
        best = jnp.sum(jnp.maximum(worth, 0), axis=1)
        if signed_fallback:
            best = jnp.where(best > 0, best, jnp.sum(jnp.abs(worth), axis=1))
        score = jnp.where(best > 0, earned / jnp.where(best > 0, best, 1), 0)
        reward = on_last_token(score, validity(rollout, met), rollout)
        return add_channel(rewards, met, reward)

    return stateless(source)
