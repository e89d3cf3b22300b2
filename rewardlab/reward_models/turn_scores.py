"""What a turn is worth to a language model that was trained on whole trajectories."""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked


def mean_of_turn(
    ratio: Float[Array, "N T"], inside: Bool[Array, "N S T"]
) -> Float[Array, "N S"]:
    """u_k = mean over the turn's tokens of log pi_phi - log pi_ref; 0 without any.

    Ratios (0.2, 0 | -0.3) in turns of two and one token -> (0.1, -0.3)
    """
    return masked.safe_divide(sum_of_turn(ratio, inside), masked.count(inside))


def sum_of_turn(
    ratio: Float[Array, "N T"], inside: Bool[Array, "N S T"]
) -> Float[Array, "N S"]:
    """u_k = the sum over the turn's tokens, so that a long turn counts for more."""
    return jnp.sum(jnp.where(inside, ratio[:, None], 0), axis=2)


TURNS: dict[str, Callable[..., Float[Array, "N S"]]] = {
    "mean": mean_of_turn,
    "sum": sum_of_turn,
}
