"""Coefficients that change with the iteration: `weighted_sum(prm=linear(1, 0, 500))`.

Each word gives a schedule `f(iteration)`; iterations count from 0.
"""

from collections.abc import Callable

import optax

from rewardlab.types import Schedule


def linear(start: float, end: float, steps: int) -> Schedule:
    """start + (end - start) * min(iteration / steps, 1)."""
    return optax.linear_schedule(start, end, steps)


def cosine(start: float, end: float, steps: int) -> Schedule:
    """end + (start - end) * (1 + cos(pi * min(iteration / steps, 1))) / 2."""
    decay = optax.cosine_decay_schedule(1.0, steps)
    return lambda iteration: end + (start - end) * decay(iteration)


SCHEDULES: dict[str, Callable[..., Schedule]] = {
    "linear": linear,
    "cosine": cosine,
}
