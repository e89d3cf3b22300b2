"""Rotary positions (arXiv 2104.09864), and their stretching to longer texts."""

import functools
import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from rewardlab.models.config import LMConfig, RopeScaling


def rotate(
    x: Float[Array, "B H G t D"], cos: Float[Array, "B 1 G t E"], sin: Array
) -> Float[Array, "B H G t D"]:
    """Pairs (i, i + D/2) turn with the position, in float32."""
    x1, x2 = jnp.split(x.astype(jnp.float32), 2, axis=-1)
    turned = jnp.concatenate([x1 * cos - x2 * sin, x2 * cos + x1 * sin], axis=-1)
    return turned.astype(x.dtype)


def rope_table(config: LMConfig, slots: int) -> np.ndarray:
    """Cosines, then sines, of each position's angles: [slots, head_dim]."""
    return _table(config.head_dim, config.rope_theta, config.rope_scaling, slots)


@functools.cache
def _table(
    head_dim: int, theta: float, scaling: RopeScaling | None, slots: int
) -> np.ndarray:
    half, size = head_dim // 2, 1.0
    turns = theta ** (-np.arange(half) / half)
    if scaling:
        turns = _stretched(turns, theta, scaling)
        size = attention_factor(scaling)
    angle = np.outer(np.arange(slots), turns)
    table = np.concatenate([np.cos(angle), np.sin(angle)], axis=1)
    return (size * table).astype(np.float32)


def attention_factor(scaling: RopeScaling) -> float:
    """What queries and keys are each multiplied with: 0.1 ln(factor) + 1 for yarn.

    It is 1 for the other kinds and for a factor of at most 1.
    """
    if scaling.attention_factor is not None:
        return scaling.attention_factor
    if scaling.kind != "yarn" or scaling.factor <= 1:
        return 1.0
    return 0.1 * math.log(scaling.factor) + 1


def _stretched(turns: np.ndarray, theta: float, scaling: RopeScaling) -> np.ndarray:
    """Radians a token of each pair, from those without scaling."""
    slow = turns / scaling.factor
    if scaling.kind == "linear":
        return slow
    length = scaling.original_length
    if scaling.kind == "llama3":
        low, high = scaling.low_freq_factor, scaling.high_freq_factor
        kept = np.clip((length * turns / (2 * np.pi) - low) / (high - low), 0, 1)
    else:
        pairs = len(turns)
        # The pair that turns so many times in the original length.
        first, last = (
            pairs * math.log(length / (2 * math.pi * beta)) / math.log(theta)
            for beta in (scaling.beta_fast, scaling.beta_slow)
        )
        if scaling.truncate:
            first, last = math.floor(first), math.ceil(last)
        first, last = max(first, 0), min(last, 2 * pairs - 1)
        width = last - first or 1e-3
        kept = 1 - np.clip((np.arange(pairs) - first) / width, 0, 1)
    return slow + kept * (turns - slow)
