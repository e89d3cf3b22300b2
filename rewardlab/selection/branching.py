"""When a rollout branches: after a tool has answered and the policy hesitates."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float


def branch_probability(
    draw: Float[Array, "..."],
    entropy: Float[Array, "..."],
    first_entropy: Float[Array, "..."],
    weight: float = 0.2,
) -> Float[Array, "..."]:
    """clip(u - weight * (H - H_first), 0, 1) for a uniform draw u in [0, 1].

    Despite its name in ARPO's code, a row branches where it is small.
    """
    return jnp.clip(draw - weight * (entropy - first_entropy), 0, 1)


def branches(
    draw: Float[Array, "..."],
    entropy: Float[Array, "..."],
    first_entropy: Float[Array, "..."],
    weight: float = 0.2,
    threshold: float = 0.5,
) -> Bool[Array, "..."]:
    """Whether `branch_probability` is at most `threshold`: more often as H rises.

    H is `truncated_entropy` after the last tool call, H_first that of the row's first
    tokens. ARPO's code (arXiv 2507.19849), whose default
    weight is 0.5; its scripts have 0.2.
    """
    return branch_probability(draw, entropy, first_entropy, weight) <= threshold
