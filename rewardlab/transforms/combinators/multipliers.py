"""Lagrange multipliers that follow how far rewards are from their goals."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

Vector = Float[Array, " C"]


class Lagrangian(NamedTuple):
    """How multipliers become weights, and how a batch moves them.

    `step(value, memory, excess) -> (value, memory)` lowers the loss
    sum_c weights(value)_c * excess_c, excess = mean reward - goal: the weight falls
    once the goal is exceeded.
    """

    weights: Callable[[Vector], Vector]
    loss: Callable[[Vector, Vector], Float[Array, ""]]
    start: Callable[[Vector], Any]
    step: Callable[[Vector, Any, Vector], tuple[Vector, Any]]


def lagrangian(
    equality: bool,
    squashed: bool,
    learning_rate: float,
    momentum: float,
    max_norm: float,
) -> Lagrangian:
    """SGD with momentum on multipliers (arXiv 2310.04373).

    Weights are sigmoid(v), tanh(v) with `equality`, or v itself if not `squashed`,
    which is then kept at 0 or above unless `equality`.
    """
    bend = jnp.tanh if equality else jax.nn.sigmoid
    weights = bend if squashed else lambda v: v
    sgd = optax.chain(
        clip_by_norm(max_norm), optax.sgd(learning_rate, momentum=momentum)
    )

    def loss(value: Vector, excess: Vector) -> Float[Array, ""]:
        return jnp.sum(weights(value) * excess)

    def step(value: Vector, memory: Any, excess: Vector) -> tuple[Vector, Any]:
        move, memory = sgd.update(jax.grad(loss)(value, excess), memory)
        value = value + move
        return (value if squashed or equality else jnp.maximum(value, 0)), memory

    return Lagrangian(weights, loss, sgd.init, step)


def clip_by_norm(max_norm: float, eps: float = 1e-6) -> optax.GradientTransformation:
    """g * min(1, max_norm / (|g| + eps)), as PyTorch, where optax has no eps."""

    def clip(updates: Vector, params: Any = None) -> Vector:
        norm = jnp.sqrt(jnp.sum(updates**2))
        return updates * jnp.minimum(1, max_norm / (norm + eps))

    return optax.stateless(clip)
