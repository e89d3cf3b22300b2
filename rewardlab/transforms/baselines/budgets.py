"""The baseline for thinking that is scored at several budgets."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.core import masked
from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import Reward, RewardTransform, Rollout, SignalName
from rewardlab.transforms.sources.budgets import (
    Prior,
    budget_prior,
    budget_scores,
    scores_to_go,
    tail,
)
from rewardlab.transforms.sources.signals import at_steps


@named
def center_by_budgets(
    name: SignalName,
    prior: Prior = (),
    own_share: tuple[float, ...] = (),
    recency: float = 2.0,
    keep_singletons: bool = False,
) -> RewardTransform:
    """r_s - (w_s V1_s + (1 - w_s) V2_s), w_s = s / S: the row's own past, and its
    group.

    V1_s is the mean of the row's own scores at earlier budgets, each weighted `recency`
    times the one before it, times the prior mass that is left; V1_0 = 0. V2_s is the
    mean over the group's rows of their `budget_returns` at s, including the row itself.
    The later the chunk, the more its own past counts. `own_share` sets other w_s: (0,
    0, 0, 0) is V2 alone. A row alone in its group is its own V2; with `keep_singletons`
    that V2 is 0, as in the released code. (BRPO of AnytimeReasoner, arXiv 2505.13438)
    """

    def center(reward: Reward, rollout: Rollout) -> Reward:
        score, heard = budget_scores(rollout, name)
        probs, count = budget_prior(prior, score), score.shape[1]
        own = _earlier(score, recency) * tail(probs)[None]
        to_go = jnp.where(heard[:, None], scores_to_go(score, probs), jnp.inf)
        least = masked.group_min(to_go, rollout)
        above = jnp.where(heard[:, None], to_go - least, 0)
        rows = masked.sum_over_group(heard.astype(jnp.int32), rollout)[:, None]
        group = least + masked.safe_divide(masked.sum_over_group(above, rollout), rows)
        if keep_singletons:
            group = jnp.where(rows > 1, group, 0)
        share = own_share or tuple(s / count for s in range(count))
        if len(share) != count:
            raise ValueError(f"own_share has {len(share)} budgets, not {count}")
        baseline = group + jnp.asarray(share, score.dtype)[None] * (own - group)
        return reward.with_value(reward.value - at_steps(baseline, rollout))

    return per_channel(center)


def _earlier(
    score: Float[Array, "N S"], recency: float | Float[Array, ""]
) -> Float[Array, "N S"]:
    """The weighted mean of the scores before each budget; 0 before the first."""
    count = score.shape[1]
    power = (1.0 * recency) ** (jnp.arange(count) - count)
    weight = jnp.tril(jnp.full((count, count), power), -1)
    whole = jnp.sum(weight, axis=1, keepdims=True)
    weight = weight / jnp.where(whole > 0, whole, 1)
    low = jnp.min(score, axis=1, keepdims=True)
    share = jnp.asarray(weight, score.dtype)[None]
    mean = low + jnp.sum(share * (score - low)[:, None], axis=2)
    return jnp.where(jnp.arange(count)[None] > 0, mean, 0)
