"""A row's credit, moved towards its better steps."""

import jax.numpy as jnp

from rewardlab.core import masked
from rewardlab.core.compose import named, on_one
from rewardlab.core.types import (
    Coefficient,
    Reward,
    RewardTransform,
    Rollout,
    SignalName,
    coefficient,
)
from rewardlab.transforms.sources.signals import at_steps, validity


@named
def redistribute_within_row(
    name: SignalName,
    strength: Coefficient = 0.5,
    most: Coefficient = 2.0,
    eps: Coefficient = 1e-6,
) -> RewardTransform:
    """A + strength |A| D_j / (max(0, max D) + eps), held between 0 and most A.

    A = 1/2 and scores (4, 2) of two steps of one token -> (0.75, 0.25).

    D_j is the score of step j, in the signal `name` [N, S], less the mean over the
    row's tokens; steps that abstain keep A. So the sum over tokens stays the row's,
    but for what the bounds cut off, and no token changes its sign. (FinePO of SketchVL,
    arXiv 2601.05688)
    """

    def move(reward: Reward, rollout: Rollout) -> Reward:
        score = rollout.signal(name)
        if score.ndim != 2:
            raise ValueError(
                f"redistribute_within_row({name!r}) needs scores [N, steps] and has "
                f"shape {score.shape}; name a signal of steps"
            )
        valid = jnp.broadcast_to(validity(rollout, name), score.shape)
        scored = reward.placed & at_steps(valid, rollout)
        scored &= rollout.step < score.shape[1]
        own = jnp.where(scored, at_steps(score, rollout), 0)
        least = jnp.min(own, axis=1, where=scored, initial=jnp.inf)[:, None]
        above = jnp.where(scored, own - least, 0)  # equal scores differ by exactly 0
        away = jnp.where(scored, above - masked.row_mean(above, scored)[:, None], 0)
        top = jnp.max(away, axis=1, initial=0)[:, None] + coefficient(eps, rollout)
        share = away / jnp.where(top > 0, top, 1)
        moved = reward.value + coefficient(strength, rollout) * share * jnp.abs(
            reward.value
        )
        bound = coefficient(most, rollout) * reward.value
        held = jnp.clip(moved, jnp.minimum(bound, 0), jnp.maximum(bound, 0))
        return reward.with_value(held)

    return on_one(move)
