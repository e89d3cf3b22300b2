"""The rows that no other row beats in everything."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float


def nondominated(
    rewards: Float[Array, "N K"], there: Bool[Array, " N"]
) -> Bool[Array, " N"]:
    """True for rows i with no j: R_j >= R_i in every column and > in one.

    Only rows `there` take part. Equal rows do not dominate each other, so with one
    column all rows that share the maximum stay. N^2 K comparisons.
    """
    no_worse = jnp.ones((rewards.shape[0],) * 2, bool)
    better = jnp.zeros_like(no_worse)
    for column in rewards.T:  # K is small; N^2 numbers at a time
        no_worse &= column[:, None] >= column[None, :]
        better |= column[:, None] > column[None, :]
    beaten = jnp.any(no_worse & better & there[:, None], axis=0)
    return there & ~beaten
