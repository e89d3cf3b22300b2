"""Bounded functions of one number."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.core.compose import named, per_channel
from rewardlab.core.types import (
    RewardTransform,
)


@named
def tanh() -> RewardTransform:
    """tanh(r), in (-1, 1).

    (-1, 0, 1) -> (-0.762, 0, 0.762).
    """
    return per_channel(lambda r, rollout: r.map(jnp.tanh))


FITTED = (
    2.026691697803558e-4,
    5.296811671489128e-9,
    -1.0130912034729786e-2,
    -1.7892410516002917e-7,
    2.2878851143138285e-1,
    5.000008318663808e-1,
)


@named
def fitted_polynomial() -> RewardTransform:
    """0 up to -5, 1 from 5 on, and between them a quintic that follows the sigmoid.

    (-5, 0, 5) -> (0, 0.5, 1).

    An ablation of PAR (arXiv 2502.18770): a least-squares fit to 100 evenly spaced
    points, with the coefficients of its code, from x^5 down; an exact fit differs by
    1e-6.
    """

    def follow(r: Float[Array, ""]) -> Float[Array, ""]:
        inside = jnp.polyval(jnp.asarray(FITTED, r.dtype), r)
        return jnp.where(jnp.abs(r) < 5, inside, jnp.where(r > 0, 1, 0))

    return per_channel(lambda reward, rollout: reward.map(follow))
