"""A reward for each new record, a charge for falling behind it."""

import jax.numpy as jnp
from jax import lax

from rewardlab.core import masked
from rewardlab.core.compose import add_channel, named, stateless
from rewardlab.core.types import (
    Channels,
    Coefficient,
    RewardTransform,
    Rollout,
    SignalName,
    coefficient,
    place,
)
from rewardlab.transforms.sources.signals import at_steps, validity


@named
def new_best(
    name: SignalName,
    gain: Coefficient = 0.5,
    penalty: Coefficient = 1.0,
    start: float = 0.0,
) -> RewardTransform:
    """Adds channel `name`: `gain` where x_k > b_k, else -penalty (b_k - x_k).

    x = (0.3, 0.1) with start = 0, gain = 1, penalty = 1 -> (1, -0.2).

    b_k is the best x of the row's earlier steps, and `start` before them. The [N, S]
    signal is read at step ends; abstentions set no record. (Video-MTR, arXiv
    2508.20478, with x the overlap (IoU) of retrieved and relevant frames)
    """

    def source(rewards: Channels, rollout: Rollout) -> Channels:
        score = rollout.signal(name)
        valid = jnp.broadcast_to(validity(rollout, name), score.shape)
        where = masked.step_ends(rollout) & at_steps(valid, rollout)
        where &= rollout.step < score.shape[1]
        value = jnp.where(where, at_steps(score, rollout), -jnp.inf)
        seen = jnp.pad(value, ((0, 0), (1, 0)), constant_values=start)[:, :-1]
        best = lax.cummax(seen, axis=1)
        drop = jnp.where(where, best - value, 0)
        charge = -coefficient(penalty, rollout) * drop
        paid = jnp.where(value > best, coefficient(gain, rollout), charge)
        return add_channel(rewards, name, place(paid, where))

    return stateless(source)
