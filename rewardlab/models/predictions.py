"""Numbers of whole next-token distributions p = softmax(logits), in nats."""

import jax
import jax.numpy as jnp
from jax import lax
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
    first, second = jnp.moveaxis(lax.top_k(logits, 2)[0], -1, 0)
    total = jax.nn.logsumexp(logits, axis=-1)
    return jnp.exp(first - total) - jnp.exp(second - total)


def likeliest(
    logits: Float[Array, "... V"], tokens: Int[Array, "..."], count: int
) -> tuple[Int[Array, "... K"], Float[Array, "... K"]]:
    """The ids of the K = `count` likeliest tokens, `tokens` among them, and log p.

    One of `tokens` that is not takes the place of the last. K is at most V.
    """
    top, ids = lax.top_k(logits, min(count, logits.shape[-1]))
    lacks = ~jnp.any(ids == tokens[..., None], axis=-1, keepdims=True)
    last = lacks & (jnp.arange(ids.shape[-1]) == ids.shape[-1] - 1)
    own = jnp.take_along_axis(logits, tokens[..., None], axis=-1)
    ids, top = jnp.where(last, tokens[..., None], ids), jnp.where(last, own, top)
    return ids, top - jax.nn.logsumexp(logits, axis=-1, keepdims=True)


def gradient_norm_squared(
    logits: Float[Array, "... V"], tokens: Int[Array, "..."]
) -> Float[Array, "..."]:
    """1 - 2 p_token + sum_v p_v^2 = |d log p_token / d logits|^2, in [0, 2]."""
    p = jnp.exp(log_likelihood(logits, tokens))
    return 1 - 2 * p + collision(logits)


def self_certainty(logits: Float[Array, "... V"]) -> Float[Array, "..."]:
    """KL(uniform || p) = -(1 / V) sum_v log p_v - log V, >= 0."""
    return -mean_logp(logits) - jnp.log(logits.shape[-1])
