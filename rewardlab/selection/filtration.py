"""Policy filtration: train where a reward model can be believed, at its extremes.

PF-PPO, arXiv 2409.06957. Weights are for `curriculum.draw`; the authors draw as many
rows as there are, with replacement.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from rewardlab.core.intervals import need


def power_weights(reward: Float[Array, " N"], power: float = 2.0) -> Float[Array, " N"]:
    """|r|^power."""
    need("power_weights", "[0, inf)", power=power)
    return jnp.abs(reward) ** power


def best_of_group(
    reward: Float[Array, " N"],
    group: Int[Array, " N"],
    num_groups: int,
    all_ties: bool = False,
) -> Bool[Array, " N"]:
    """The greatest reward of each group: of equals the last, or `all_ties`."""
    top = reward == jax.ops.segment_max(reward, group, num_groups)[group]
    order = jnp.arange(len(reward))
    latest = jax.ops.segment_max(jnp.where(top, order, -1), group, num_groups)
    return top if all_ties else order == latest[group]


def worst_of_group(
    reward: Float[Array, " N"],
    group: Int[Array, " N"],
    num_groups: int,
    all_ties: bool = False,
) -> Bool[Array, " N"]:
    """The smallest reward of each group: the first of equal ones, or `all_ties`.

    If all are equal, `best_of_group` chooses another row than this (stable order).
    """
    last_first = best_of_group(-reward[::-1], group[::-1], num_groups, all_ties)
    return last_first[::-1]


def best_worst_weights(
    best: Bool[Array, " N"], worst: Bool[Array, " N"]
) -> Float[Array, " N"]:
    """1 for the best and the worst row of each prompt, else 0: the authors' choice."""
    return jnp.where(best | worst, 1.0, 0.0)


def best_random_weights(best: Bool[Array, " N"]) -> Float[Array, " N"]:
    """0.4 for the best row of each prompt and 0.1 for the others."""
    return jnp.where(best, 0.4, 0.1)


def best_and_another(
    key: PRNGKeyArray,
    reward: Float[Array, " N"],
    group: Int[Array, " N"],
    num_groups: int,
) -> Bool[Array, " N"]:
    """The first of each group's greatest rewards, and one of its other rows at random.

    The rule that is active in the trainer of the released code. A lone row stays, where
    that code fails.
    """
    best = best_of_group(reward[::-1], group[::-1], num_groups)[::-1]
    chance = jnp.where(best, -1.0, jax.random.uniform(key, reward.shape))
    return best | best_of_group(chance, group, num_groups)
