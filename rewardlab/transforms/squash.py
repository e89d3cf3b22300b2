"""Squashing a score: bounded or saturating functions of one number."""

import jax
import jax.numpy as jnp
import numpy as np

from rewardlab.compose import named, per_channel
from rewardlab.types import Coefficient, Reward, RewardTransform, Rollout, coefficient


@named
def cap(ceiling: Coefficient) -> RewardTransform:
    """min(r, ceiling)."""

    def lower(reward: Reward, rollout: Rollout) -> Reward:
        limit = coefficient(ceiling, rollout)
        return reward.with_value(jnp.minimum(reward.value, limit))

    return per_channel(lower)


@named
def sigmoid(k: Coefficient = 1.0, at: Coefficient = 0.0) -> RewardTransform:
    """1 / (1 + exp(-k (r - at))): slope k/4 at `at`, in (0, 1)."""

    def squash(reward: Reward, rollout: Rollout) -> Reward:
        middle, slope = coefficient(at, rollout), coefficient(k, rollout)
        return reward.with_value(jax.nn.sigmoid(slope * (reward.value - middle)))

    return per_channel(squash)


@named
def log_sigmoid() -> RewardTransform:
    """log(1 / (1 + exp(-r))): below 0, slope 1 far below, flat far above.

    The log-probability of "good"; summed over channels, of "all good" (LSC, arXiv
    2402.00742).
    """
    return per_channel(lambda r, rollout: r.with_value(jax.nn.log_sigmoid(r.value)))


@named
def tanh() -> RewardTransform:
    """tanh(r), in (-1, 1)."""
    return per_channel(lambda r, rollout: r.with_value(jnp.tanh(r.value)))


@named
def fitted_polynomial() -> RewardTransform:
    """0 up to -5, 1 from 5 on, and between them a polynomial that follows the sigmoid.

    The least-squares fit of degree 5 to 100 even points of [-5, 5], an ablation of PAR
    (arXiv 2502.18770).
    """
    x = np.linspace(-5, 5, 100)
    fit = np.polyfit(x, 1 / (1 + np.exp(-x)), 5)

    def squash(reward: Reward, rollout: Rollout) -> Reward:
        inside = jnp.polyval(jnp.asarray(fit, reward.value.dtype), reward.value)
        step = jnp.where(reward.value >= 5, 1, 0)
        return reward.with_value(jnp.where(jnp.abs(reward.value) < 5, inside, step))

    return per_channel(squash)
