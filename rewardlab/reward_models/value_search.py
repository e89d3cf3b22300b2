"""A value of the frozen policy, learned by TD(lambda), that steers its decoding.

(Value Augmented Sampling, arXiv 2405.06639.)
"""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from rewardlab.core import masked, recursions
from rewardlab.core.intervals import need


def lambda_returns(
    reward: Float[Array, "N T"],
    value: Float[Array, "N T"],
    mask: Bool[Array, "N T"],
    discount: float = 1.0,
    decay: float = 0.95,
) -> Float[Array, "N T"]:
    """G_t = r_t + discount ((1 - decay) V_{t+1} + decay G_{t+1}); 0 off the mask.

    V and G are 0 after the row's last token: TD(lambda) targets, and GAE plus V. Rows
    are True up to their end.
    """
    need("lambda_returns", "[0, 1]", discount=discount, decay=decay)
    value, reward = jnp.where(mask, value, 0), jnp.where(mask, reward, 0)
    following = jnp.pad(value[:, 1:], ((0, 0), (0, 1)))
    here = reward + discount * (1 - decay) * following
    keep = jnp.full_like(here, discount * decay)
    return jnp.where(mask, recursions.accumulate(here, keep), 0)


def value_loss(
    predicted: Float[Array, "N T"],
    target: Float[Array, "N T"],
    mask: Bool[Array, "N T"],
) -> Float[Array, ""]:
    """Half the mean of (V - G)^2 over the True tokens."""
    return masked.mean((predicted - target) ** 2, mask) / 2


def augmented_logits(
    logits: Float[Array, "*B V"],
    value: Float[Array, "*B V"],
    beta: float,
    top_k: int = 20,
) -> Float[Array, "*B V"]:
    """logits_v + beta (V_v - mean of V over the top k) for the k likeliest tokens.

    `value` holds the value of going on with each token; the others keep their logit.
    """
    need("augmented_logits", "[1, inf)", top_k=top_k)
    k = min(top_k, logits.shape[-1])
    _, likely = lax.top_k(logits, k)
    of_likely = jnp.take_along_axis(value, likely, axis=-1)
    shift = beta * (of_likely - jnp.mean(of_likely, axis=-1, keepdims=True))
    raised = jnp.take_along_axis(logits, likely, axis=-1) + shift
    return jnp.put_along_axis(logits, likely, raised, axis=-1, inplace=False)
