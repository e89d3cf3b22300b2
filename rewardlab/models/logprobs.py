"""Teacher forcing: how likely a model finds completions that are already there."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rewardlab.models.lm import CompletionLogits, Params


class TokenStats(NamedTuple):
    """Of each completion token, in nats; 0 on padding."""

    logp: Float[Array, "N T"]
    entropy: Float[Array, "N T"]  # 0 everywhere unless it was asked for


def completion_logprobs(
    forward_completions: CompletionLogits,
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
    once, beside its rows, and the gradient flows through it too. The valid tokens of a
    row come first. Entropy is that of the whole distribution p, which costs another
    pass over the logits. `temperature` must be positive.
    """
    if tokens.shape[0] % prompts.shape[0]:
        raise ValueError(
            f"{tokens.shape[0]} completions cannot answer {prompts.shape[0]} prompts "
            "equally often; lay them out prompt by prompt, as many for each"
        )
    rows = tokens.shape[0] // prompts.shape[0]
    ends, rest = forward_completions(params, prompts, prompt_mask, tokens, valid)
    first = jnp.repeat(ends[:, None], rows, axis=0)

    def each_token(f: Callable[..., Array]) -> Float[Array, "N T"]:
        # Slot t predicts token t + 1: shift the small array, not the logits.
        follows = f(rest / temperature, jnp.roll(tokens, -1, axis=1))[:, :-1]
        x = jnp.concatenate([f(first / temperature, tokens[:, :1]), follows], axis=1)
        return jnp.where(valid, x, 0)

    spread = (
        each_token(lambda x, _: token_entropy(x))
        if entropy
        else jnp.zeros(tokens.shape)
    )
    return TokenStats(each_token(log_likelihood), spread)


def log_likelihood(
    logits: Float[Array, "... V"], tokens: Int[Array, "..."]
) -> Float[Array, "..."]:
    """logits[token] - log sum exp(logits), without the other log-probabilities.

    The token is picked by comparing, not by gathering: then no scatter stands in the
    backward pass, and the whole of it is one loop over the logits.
    """
    here = tokens[..., None] == jnp.arange(logits.shape[-1])
    chosen = jnp.sum(jnp.where(here, logits, 0), axis=-1)
    return chosen - jax.nn.logsumexp(logits, axis=-1)


def token_entropy(logits: Float[Array, "... V"]) -> Float[Array, "..."]:
    """-sum p log p of the distribution softmax(logits), in nats; p = 0 adds nothing."""
    logp = jax.nn.log_softmax(logits, axis=-1)
    finite = jnp.where(logits > -jnp.inf, logp, 0)
    return -jnp.sum(jnp.exp(logp) * finite, axis=-1)
