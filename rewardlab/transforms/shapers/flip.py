"""Noise on purpose: inverted verdicts."""

import jax
import jax.numpy as jnp

from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import (
    Coefficient,
    Reward,
    RewardTransform,
    Rollout,
    Seed,
    coefficient,
)


@named
def flip_groups(
    share: Coefficient, top: float = 1.0, seed: Seed = 0
) -> RewardTransform:
    """r -> top - r for all rows of a prompt at once, with probability `share`.

    A flipped group of 1, 0, 0 -> 0, 1, 1.

    A group baseline then only changes sign. Which groups are flipped depends on `seed`,
    the iteration and the prompt's position in the batch. (arXiv 2505.22653)
    """

    def flip(reward: Reward, rollout: Rollout) -> Reward:
        key = jax.random.fold_in(jax.random.key(seed), rollout.iteration)
        prompts = jnp.arange(rollout.prompts.shape[0])
        keys = jax.vmap(lambda b: jax.random.fold_in(key, b))(prompts)
        chance = coefficient(share, rollout)
        flipped = jax.vmap(lambda k: jax.random.uniform(k) < chance)(keys)
        turn = lambda r, flip: jnp.where(flip, top - r, r)  # noqa: E731
        return reward.map(turn, flipped[rollout.group])

    return per_channel(flip)
