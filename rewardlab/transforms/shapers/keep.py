"""Rows that are not trained on: they abstain, before any baseline is taken."""

import jax.numpy as jnp
from jaxtyping import Array, Bool

from rewardlab import masked
from rewardlab.compose import find, named, stateless
from rewardlab.narrow import anywhere
from rewardlab.selection import consistency, filtration
from rewardlab.types import Channels, Reward, RewardTransform, Rollout, place


@named
def keep_consistent(
    name: str, steps: str, share: float = 0.5, charge: float = 10.0, least: float = 0.5
) -> RewardTransform:
    """Only rows whose step scores agree with their outcome, right and wrong balanced.

    Each group loses floor(share * rows) of its rows, the least consistent ones. A row
    is right if its total of channel `name` is at least `least`; the step scores are the
    channel `steps`. Rows with fewer than 2 or more than 30 of them are charged. Of
    equally consistent rows the first goes. PROF, arXiv 2509.03403, as its code.
    """

    def close(rewards: Channels, rollout: Rollout) -> Channels:
        outcome, score = find(rewards, name), find(rewards, steps)
        passed = jnp.sum(outcome.value, axis=1) >= least
        right, wrong = outcome.has_value & passed, outcome.has_value & ~passed
        critic = consistency.step_consistency(score.value, score.placed, right)
        critic += consistency.length_charge(masked.placed_count(score), charge)
        rows = masked.group_sum(outcome.has_value.astype(jnp.int32), rollout)
        remove = jnp.floor(share * rows).astype(jnp.int32)
        kept = consistency.keep_consistent(
            critic, right, wrong, rollout.group, rollout.prompts.shape[0], remove
        )
        return {**rewards, name: _only(outcome, kept)}

    return stateless(close)


@named
def keep_best_and_worst() -> RewardTransform:
    """Only the rows of the greatest and of the least total in each group.

    A reward model is surest at its extremes. All rows that share an extreme stay, where
    the authors' code takes one. PF-PPO, arXiv 2409.06957.
    """

    def close(reward: Reward, rollout: Rollout) -> Reward:
        total, there = reward.total, reward.has_value
        groups = rollout.group, rollout.prompts.shape[0], True
        low, high = jnp.where(there, total, jnp.inf), jnp.where(there, total, -jnp.inf)
        best = filtration.best_of_group(high, *groups)
        return _only(reward, best | filtration.worst_of_group(low, *groups))

    return anywhere(close)


def _only(reward: Reward, rows: Bool[Array, " N"]) -> Reward:
    return place(reward.value, reward.placed & rows[:, None])
