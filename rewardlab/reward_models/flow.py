"""Flow rewards: how far hidden states lie from those that a flow was fitted to."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.core.intervals import need


def velocity_score(
    predicted: Float[Array, "... D"],
    hidden: Float[Array, "... D"],
    noise: Float[Array, "... D"],
    time: float = 0.8,
) -> Float[Array, "..."]:
    """t / (1 - t) * mean over D of (v(x_t) - (hidden - noise))^2.

    `predicted` is the velocity that the flow expects at x_t = (1 - t) noise + t hidden,
    a flow fitted to the hidden states of expert answers. The score is small where a
    state looks like theirs; minus its normalised value is a token's reward in RLFR
    (arXiv 2510.10201), see the words `minmax_by_row` and `keep_top`. t = 0.8 gives the
    factor 4; 0 <= t < 1.
    """
    need("velocity_score", "[0, 1)", time=time)
    error = predicted - (hidden - noise)
    return time / (1 - time) * jnp.mean(error**2, axis=-1)
