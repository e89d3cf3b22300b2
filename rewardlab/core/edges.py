"""Functions that keep their digits, and a gradient, where the plain form has none."""

import functools

import jax.numpy as jnp
from jaxtyping import Array, Float

Number = Float[Array, "*shape"]
NEAR = 0.5  # below it a series has more digits than a difference


def size(x: Number) -> Number:
    """|x| with gradient 0 at 0, where `jnp.abs` has 1 and so a direction."""
    return x * jnp.sign(x)


def root(x: Number) -> Number:
    """sqrt(x) with gradient 0 at 0, where `jnp.sqrt` has infinity; 0 below 0."""
    above = x > 0
    return jnp.where(above, jnp.sqrt(jnp.where(above, x, 1)), 0)


def excess(x: Number) -> Number:
    """exp(x) - 1 - x, to the last digits for small x too: x^2 / 2 there."""
    near = jnp.abs(x) < NEAR
    y = jnp.where(near, x, 0)
    series = functools.reduce(
        lambda rest, n: 1 + y / n * rest, range(14, 2, -1), jnp.ones_like(x)
    )
    return jnp.where(near, y**2 / 2 * series, jnp.expm1(x) - x)


def unit(x: Number, axis: int | None = None) -> Number:
    """x / |x| along the axis; 0, without a gradient, where |x| is 0."""
    norm = root(jnp.sum(x**2, axis=axis, keepdims=True))
    return jnp.where(norm > 0, over(x, norm, 0), 0)


def over(x: Number, spread: Number, eps: float) -> Number:
    """x / (spread + eps), and x where that divisor is 0: no spread divides nothing."""
    divisor = spread + eps
    return x / jnp.where(divisor > 0, divisor, 1)
