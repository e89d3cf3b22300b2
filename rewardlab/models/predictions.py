"""Numbers of whole next-token distributions p = softmax(logits), in nats."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from rewardlab.models.logprobs import collision, log_likelihood, mean_logp


def varentropy(logits: Float[Array, "... V"]) -> Float[Array, "..."]:
    """sum_v p_v (log p_v)^2 - (sum_v p_v log p_v)^2, the variance of log p, nats^2."""
    logp = jax.nn.log_softmax(logits, axis=-1)
    p = jnp.exp(logp)
    logp = jnp.where(p > 0, logp, 0)
    away = logp - jnp.sum(p * logp, axis=-1, keepdims=True)
    return jnp.sum(p * away**2, axis=-1)


def top_margin(logits: Float[Array, "... V"]) -> Float[Array, "..."]:
    """The greatest probability minus the next, in [0, 1]."""
    first, second = jnp.moveaxis(jax.lax.top_k(logits, 2)[0], -1, 0)
    total = jax.nn.logsumexp(logits, axis=-1)
    return jnp.exp(first - total) - jnp.exp(second - total)


def gradient_norm_squared(
    logits: Float[Array, "... V"], tokens: Int[Array, "..."]
) -> Float[Array, "..."]:
    """1 - 2 p_token + sum_v p_v^2 = |d log p_token / d logits|^2, in [0, 2]."""
    p = jnp.exp(log_likelihood(logits, tokens))
    return 1 - 2 * p + collision(logits)


def self_certainty(logits: Float[Array, "... V"]) -> Float[Array, "..."]:
    """KL(uniform || p) = -(1 / V) sum_v log p_v - log V, >= 0."""
    return -mean_logp(logits) - jnp.log(logits.shape[-1])
