"""Rewards with goals: a reward that has reached its goal loses weight."""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.core.compose import find, named
from rewardlab.core.placed import batch_mean
from rewardlab.core.reward import weighted
from rewardlab.core.types import Channels, Reward, RewardTransform, Rollout
from rewardlab.transforms.combinators.multipliers import lagrangian


class Multipliers(NamedTuple):
    """One multiplier a constraint, its optimizer's state, and that of `inner`."""

    value: Float[Array, " C"]
    memory: Any
    inner: Any


@named
def constrained_sum(
    base: str,
    inner: RewardTransform,
    equality: bool = False,
    squashed: bool = True,
    start: float = 0.0,
    learning_rate: float = 0.1,
    momentum: float = 0.1,
    max_norm: float = 0.5,
    **goals: float,
) -> RewardTransform:
    """R = (C - sum_c m_c) R_base + sum_c m_c R_c; m_c falls while mean r_c > goal_c.

    `constrained_sum('kl', whiten(), correct=0.8, score=2.0)`: r_c are the channels as
    they come, R_c and R_base are what `inner` makes of them. m = sigmoid(lambda), or
    with `equality` tanh(lambda), which can push a reward back down. Without `squashed`,
    R = R_base + sum_c lambda_c R_c, lambda >= 0 unless `equality`; the code then starts
    at 0.5. A batch is weighted by the multipliers of earlier batches and then moves
    them: SGD with momentum, the gradient clipped to `max_norm`. Defaults are those of
    the released configurations. (mu-PPO and xi-PPO, arXiv 2310.04373)
    """
    lagrange = lagrangian(equality, squashed, learning_rate, momentum, max_norm)

    def init(rollout: Rollout) -> Multipliers:
        value = jnp.full((len(goals),), 1.0 * start)
        return Multipliers(value, lagrange.start(value), inner.init(rollout))

    def update(
        rewards: Channels, state: Multipliers, rollout: Rollout
    ) -> tuple[Channels, Multipliers]:
        raw = {name: find(rewards, name) for name in (base, *goals)}
        streams, inside = inner.update(raw, state.inner, rollout)
        weights = lagrange.weights(state.value)
        rest = len(goals) - jnp.sum(weights) if squashed else 1.0
        excess = jnp.stack([_excess(raw[name], goal) for name, goal in goals.items()])
        moved = lagrange.step(state.value, state.memory, excess)
        reward = weighted([rest, *weights], [streams[name] for name in raw])
        return {"reward": reward}, Multipliers(*moved, inside)

    return RewardTransform(init, update)


def _excess(reward: Reward, goal: float) -> Float[Array, ""]:
    return jnp.where(jnp.any(reward.has_value), batch_mean(reward) - goal, 0)
