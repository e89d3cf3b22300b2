"""Rewards by where they stand: on the last token, on all of them; sums of a batch."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked
from rewardlab.core.reward import Reward, Rows, place, place_rows
from rewardlab.core.types import Rollout, Sum


def on_last_token(
    value: Float[Array, " N"], rows: Bool[Array, " N"], rollout: Rollout
) -> Reward:
    """One number a row, on its last True token; rows that are False have none."""
    return place_rows(Rows(value, rows, None), masked.last(rollout.mask))


def on_all_tokens(
    value: Float[Array, " N"], rows: Bool[Array, " N"], rollout: Rollout
) -> Reward:
    """One number a row, on each of its True tokens; rows that are False have none."""
    return place_rows(Rows(value, rows, masked.count(rollout.mask)), rollout.mask)


def map_last(reward: Reward, f: Callable[..., Any], *others: Array) -> Reward:
    """f(r, ...) for the last reward r of each row, as `Reward.map`; the rest stay."""
    if _is_outcome(reward):
        return reward.map(f, *others)
    last = masked.last(reward.placed)
    changed = reward.map(f, *others).value
    return reward.with_value(jnp.where(last, changed, reward.value))


def only_last(reward: Reward) -> Reward:
    """The last reward of each row; those before it are taken away."""
    if _is_outcome(reward):
        return reward
    return place(reward.value, masked.last(reward.placed))


def listed(reward: Reward) -> tuple[Float[Array, " M"], Bool[Array, " M"]]:
    """All numbers of a batch in one list, row by row, and which of them are placed."""
    if _is_outcome(reward):
        return reward.total, reward.has_value
    return reward.value.ravel(), reward.placed.ravel()


def batch_sum(reward: Reward) -> Sum:
    """All rewards of the batch as a `Sum`."""
    if reward._rows is None:
        return masked.sum_of(reward.value, reward.placed)
    value = jnp.sum(reward.total)
    return Sum(value, jnp.sum(reward.count).astype(value.dtype))


def batch_smallest(reward: Reward) -> Float[Array, ""]:
    """The smallest reward of the batch; 0 if there are none."""
    if reward._rows is None:
        return masked.smallest(reward.value, reward.placed)
    smallest = jnp.min(reward.smallest)
    return jnp.where(jnp.any(reward.has_value), smallest, 0)


def batch_mean(reward: Reward) -> Float[Array, ""]:
    """The mean over all rewards of the batch; 0 if there are none."""
    return batch_sum(reward).mean()


def batch_variance(reward: Reward, ddof: int = 0) -> Float[Array, ""]:
    """Squared distance to the mean over (count - ddof); 0 if count <= ddof.

    Distances are first taken to the smallest reward: equal rewards give exactly 0.
    """
    if reward._rows is None:
        return masked.variance(reward.value, reward.placed, ddof)
    distance = reward.map(jnp.subtract, batch_smallest(reward))
    squares = distance.map(lambda d, mean: (d - mean) ** 2, batch_mean(distance))
    return masked.safe_divide(jnp.sum(squares.total), jnp.sum(reward.count) - ddof)


def _is_outcome(reward: Reward) -> bool:
    """Whether rows are known to have at most one reward, on their last True token."""
    return reward._rows is not None and reward._rows.times is None
