"""Gradients held to a length."""

from typing import Any

import jax
import jax.numpy as jnp
import optax


def clip_by_norm(most: float | jax.Array) -> optax.GradientTransformationExtraArgs:
    """g min(1, most / |g|), as `optax.clip_by_global_norm`, with the norm of the whole
    gradient where a device has a part of it.

    most 1, g (3, 4) -> (0.6, 0.8)
    """

    def update(
        grads: Any,
        state: optax.EmptyState,
        _: Any = None,
        norm: Any = None,
        **more: Any,
    ) -> tuple[Any, optax.EmptyState]:
        size = optax.tree.norm(grads) if norm is None else norm
        share = jnp.where(size < most, 1, most / size)  # a number: no gradient is kept
        return jax.tree.map(lambda g: g * share, grads), state

    return optax.GradientTransformationExtraArgs(lambda _: optax.EmptyState(), update)
