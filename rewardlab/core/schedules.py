"""Coefficients that change with the iteration: `weighted_sum(prm=linear(1, 0, 500))`.

Each word gives a schedule `f(iteration)`; iterations count from 0. From dense to sparse
rewards: `weighted_sum(prm=linear(1, 0, 500), correct=linear(0, 1, 500))`.
"""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from rewardlab.core.arguments import checked
from rewardlab.core.ranges import is_number
from rewardlab.core.types import Schedule


@checked
def linear(start: float, end: float, steps: int) -> Schedule:
    """start + (end - start) * min(iteration / steps, 1)."""
    return lambda iteration: start + (end - start) * _share(iteration, steps)


@checked
def cosine(start: float, end: float, steps: int) -> Schedule:
    """end + (start - end) * (1 + cos(pi * min(iteration / steps, 1))) / 2."""

    def now(iteration: Int[Array, ""]) -> Float[Array, ""]:
        wave = 1 + jnp.cos(jnp.pi * _share(iteration, steps))
        return end + (start - end) * wave / 2

    return now


def _share(iteration: Int[Array, ""], steps: float) -> Float[Array, ""]:
    """How much of the way is behind it, at most all."""
    return jnp.minimum(iteration / steps, 1.0)


@checked
def exponential(start: float, steps: float) -> Schedule:
    """start * exp(-iteration / steps)."""
    return lambda iteration: start * jnp.exp(-iteration / steps)


@checked
def switch(before: float, after: float, at: float) -> Schedule:
    """`before` until iteration `at`, `after` from then on."""
    return lambda iteration: jnp.where(iteration >= at, 1.0 * after, 1.0 * before)


@checked
def piecewise_linear(*points: tuple[float, float]) -> Schedule:
    """Straight lines between points (iteration, value), and flat outside of them.

    `piecewise_linear((0, 0), (50, 1), (100, 0))` rises, then falls. Points go up in
    their iterations.
    """
    if not points:
        raise ValueError("piecewise_linear needs points, as (0, 1), (500, 0)")
    times, values = zip(*points, strict=True)
    known = [x for x in times if is_number(x)]
    if any(a >= b for a, b in zip(known, known[1:], strict=False)):
        raise ValueError(f"piecewise_linear needs rising iterations and has {times}")
    heights = jnp.asarray(values, float)
    return lambda iteration: jnp.interp(iteration, jnp.asarray(times, float), heights)


SCHEDULES: dict[str, Callable[..., Schedule]] = {
    "linear": linear,
    "cosine": cosine,
    "exponential": exponential,
    "switch": switch,
    "piecewise_linear": piecewise_linear,
}
