"""Teacher forcing: how likely a model finds completions that are already there."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rewardlab.models.lm import CompletionLogits, Params

Predicted = Callable[[Float[Array, "N T V"], Int[Array, "N T"]], Float[Array, "N T"]]


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
    logits = forward_completions(params, prompts, prompt_mask, tokens, valid)

    def each_token(f: Predicted) -> Float[Array, "N T"]:
        return along(lambda x, at: f(x / temperature, at), logits, tokens, valid)

    spread = (
        each_token(lambda x, _: token_entropy(x))
        if entropy
        else jnp.zeros(tokens.shape)
    )
    return TokenStats(each_token(log_likelihood), spread)


def along(
    f: Predicted,
    logits: tuple[Float[Array, "B V"], Float[Array, "N T V"]],
    tokens: Int[Array, "N T"],
    valid: Bool[Array, "N T"],
) -> Float[Array, "N T"]:
    """f(logits that predict a token, the token) of each valid token, else 0.

    `logits` are those after each prompt and those after each completion token.
    """
    ends, rest = logits
    first = jnp.repeat(ends[:, None], tokens.shape[0] // ends.shape[0], axis=0)
    # Slot t predicts token t + 1: shift the small array, not the logits.
    follows = f(rest, jnp.roll(tokens, -1, axis=1))[:, :-1]
    x = jnp.concatenate([f(first, tokens[:, :1]), follows], axis=1)
    return jnp.where(valid, x, 0)


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


def collision(logits: Float[Array, "... V"]) -> Float[Array, "..."]:
    """sum_v p_v^2 of softmax(logits): the chance that two draws agree."""
    twice = jax.nn.logsumexp(2 * logits, axis=-1)
    return jnp.exp(twice - 2 * jax.nn.logsumexp(logits, axis=-1))


def token_entropy(logits: Float[Array, "... V"]) -> Float[Array, "..."]:
    """-sum p log p of the distribution softmax(logits), in nats; p = 0 adds nothing."""
    logp = jax.nn.log_softmax(logits, axis=-1)
    finite = jnp.where(logits > -jnp.inf, logp, 0)
    return -jnp.sum(jnp.exp(logp) * finite, axis=-1)
