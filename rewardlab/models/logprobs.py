"""Teacher forcing: how likely a model finds completions that are already there."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rewardlab.models.cache import start
from rewardlab.models.lm import Apply, Params


class TokenStats(NamedTuple):
    """Of each completion token, in nats; 0 on padding."""

    logp: Float[Array, "N T"]
    entropy: Float[Array, "N T"]  # 0 everywhere unless it was asked for


def completion_logprobs(
    apply: Apply,
    params: Params,
    prompts: Int[Array, "B P"],
    prompt_mask: Bool[Array, "B P"],
    tokens: Int[Array, "N T"],
    valid: Bool[Array, "N T"],
    temperature: float | Float[Array, ""] = 1.0,
    entropy: bool = False,
) -> TokenStats:
    """log p(tokens[n, t] | prompt, tokens[n, :t]) at a temperature, for all t at once.

    Rows lie prompt by prompt (b*G .. b*G+G-1 answer prompt b); each prompt is forwarded
    once and the gradient flows through that pass too. The valid tokens of a row come
    first. Entropy is that of the whole distribution p, which costs another pass over
    the logits. `temperature` must be positive.
    """
    rows = tokens.shape[0] // prompts.shape[0]
    first, cache = apply(params, prompts, start(prompt_mask))
    first = jnp.repeat(first[:, -1:], rows, axis=0)
    rest, _ = apply(params, tokens, cache.fork(rows, valid))
    logits = jnp.concatenate([first, rest[:, :-1]], axis=1) / temperature
    logp = log_likelihood(logits, tokens)
    spread = _entropy(logits) if entropy else jnp.zeros_like(logp)
    return TokenStats(jnp.where(valid, logp, 0), jnp.where(valid, spread, 0))


def log_likelihood(
    logits: Float[Array, "... V"], tokens: Int[Array, "..."]
) -> Float[Array, "..."]:
    """logits[token] - log sum exp(logits), without the other log-probabilities."""
    chosen = jnp.take_along_axis(logits, tokens[..., None], axis=-1)[..., 0]
    return chosen - jax.nn.logsumexp(logits, axis=-1)


def _entropy(logits: Float[Array, "... V"]) -> Float[Array, "..."]:
    """-sum p log p."""
    logp = jax.nn.log_softmax(logits, axis=-1)
    return -jnp.sum(jnp.exp(logp) * logp, axis=-1)
