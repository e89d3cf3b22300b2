"""Teacher forcing: how likely a model finds completions that are already there."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from rewardlab.models import lm
from rewardlab.models.linear import linear

# Of logits, as many numbers are made at a time, and of so many positions at least.
_LOGITS, _POSITIONS = 2**24, 128
# Numbers of logits [..., V] and of the tokens [...] that they predict, as a pytree.
Predicted = Callable[[Float[Array, "... V"], Int[Array, "..."]], Any]


class TokenStats(NamedTuple):
    """Of each completion token, in nats; 0 on padding."""

    logp: Float[Array, "N T"]
    entropy: Float[Array, "N T"]  # 0 everywhere unless it was asked for
    end: Float[Array, " N"] | float = 0.0  # of one token after each row: see `Model`
    uniform: Float[Array, "N T"] | float = 0.0  # (1 / V) sum_v log p_v, if asked for
    among: Float[Array, "N T K"] | float = 0.0  # log p of ids that are asked for


def completion_logprobs(
    config: lm.LMConfig,
    params: lm.Params,
    prompts: Int[Array, "B P"],
    prompt_mask: Bool[Array, "B P"],
    tokens: Int[Array, "N T"],
    valid: Bool[Array, "N T"],
    temperature: float | Float[Array, ""] = 1.0,
    whole: bool = False,
    ids: Int[Array, "N T K"] | None = None,
) -> TokenStats:
    """log p(tokens[n, t] | prompt, tokens[n, :t]) at a temperature, for all t at once.

    Rows lie prompt by prompt (b*G .. b*G+G-1 answer prompt b); each prompt is forwarded
    once, beside its rows, and the gradient flows through it too. The valid tokens of a
    row come first. The numbers of the `whole` distribution p cost another pass over
    the logits. Those of `ids` have no gradient. `temperature` must be positive.
    """

    def stats(logits: Float[Array, "... V"], at: Int[Array, "..."]) -> tuple[Any, ...]:
        at, *more = (at,) if ids is None else (at[..., 0], at[..., 1:])
        nothing = jnp.zeros(at.shape)
        spread, mean = (
            f(logits) if whole else nothing for f in (token_entropy, mean_logp)
        )
        found = [lax.stop_gradient(log_likelihoods(logits, own)) for own in more]
        return log_likelihood(logits, at), spread, mean, *found

    texts = (prompts, prompt_mask, tokens, valid)
    at = None if ids is None else jnp.concatenate([tokens[..., None], ids], axis=-1)
    found = completion_statistic(config, params, texts, stats, temperature, at)
    logp, spread, mean, *more = found
    return TokenStats(logp, spread, 0.0, mean, *more)


def completion_statistic(
    config: lm.LMConfig,
    params: lm.Params,
    texts: tuple[Array, Array, Array, Array],
    f: Predicted,
    temperature: float | Float[Array, ""] = 1.0,
    at: Int[Array, "N T ..."] | None = None,
) -> Any:
    """f(logits / temperature, token) of each completion token, 0 on padding.

    `texts` are the prompts, their mask, the tokens and which of them are valid, as for
    `completion_logprobs`. What stands in `at` is given to f in the place of the token.
    """
    prompts, _, tokens, valid = texts
    _rows_each(tokens, prompts)
    states, head = lm.states(config, params, *texts), lm.head(config, params)

    def read(case: tuple[Array, Array, Array]) -> Any:
        states, at, valid = case
        found = f(linear(states, head) / temperature, at)
        return jax.tree.map(lambda x: _where(valid, x), found)

    case = (states, tokens if at is None else at, valid)
    return _in_chunks(read, case, head.shape[1])


def statistic_of_two(
    configs: tuple[lm.LMConfig, lm.LMConfig],
    params: tuple[lm.Params, lm.Params],
    texts: tuple[Array, Array, Array, Array],
    f: Callable[[Array, Array], Array],
    temperature: float | Float[Array, ""] = 1.0,
) -> Float[Array, "N T"]:
    """f(logits of one model, of the other) of each completion token, 0 on padding.

    Logits are divided by the temperature, and held of a chunk of tokens at a time.
    """
    heads = [lm.head(*model) for model in zip(configs, params, strict=True)]
    both = [lm.states(*model, *texts) for model in zip(configs, params, strict=True)]
    width = both[0].shape[-1]

    def read(case: tuple[Array, Array, Array]) -> Array:
        states, _, valid = case
        parts = states[..., :width], states[..., width:]
        logits = [linear(*x) / temperature for x in zip(parts, heads, strict=True)]
        return jnp.where(valid, f(*logits), 0)

    case = (jnp.concatenate(both, axis=-1), texts[2], texts[3])
    return _in_chunks(read, case, sum(head.shape[1] for head in heads))


def prompt_statistic(
    config: lm.LMConfig,
    params: lm.Params,
    texts: tuple[Array, Array, Array, Array],
    f: Callable[[Float[Array, "... G V"], Bool[Array, "... G"]], Float[Array, "..."]],
    mask: Bool[Array, "N T"],
    temperature: float | Float[Array, ""] = 1.0,
) -> Float[Array, "B T"]:
    """f(logits / temperature, mask) of a prompt's G rows together, column by column.

    `texts` are as for `completion_statistic`, and so are logits made some at a time.
    """
    prompts, _, tokens, _ = texts
    rows = _rows_each(tokens, prompts)
    states, head = lm.states(config, params, *texts), lm.head(config, params)

    def together(x: Array) -> Array:
        return x.reshape(prompts.shape[0], rows, *x.shape[1:]).swapaxes(1, 2)

    def read(case: tuple[Array, ...]) -> Array:
        return f(linear(case[0], head) / temperature, case[1])

    return _in_chunks(read, (together(states), together(mask)), rows * head.shape[1])


def _rows_each(tokens: Int[Array, "N T"], prompts: Int[Array, "B P"]) -> int:
    """How many rows answer each prompt."""
    if tokens.shape[0] % prompts.shape[0]:
        raise ValueError(
            f"{tokens.shape[0]} completions cannot answer {prompts.shape[0]} prompts "
            "equally often; lay them out prompt by prompt, as many for each"
        )
    return tokens.shape[0] // prompts.shape[0]


def positions_at_once(vocab: int) -> int:
    """Of how many positions the logits are made at a time: some 64 MB, 128 at least.

    65,536 for a vocabulary of 256, 256 for one of 49,152, 128 for one of 151,936.
    """
    return max(_POSITIONS, _LOGITS // vocab // _POSITIONS * _POSITIONS)


def _in_chunks(read: Callable[[Any], Any], case: tuple[Array, ...], vocab: int) -> Any:
    """read(states [M, t, W], ..., valid [M, t, ...]) -> [M, t, ...], at once or not.

    If there are more than `positions_at_once`, then it is read chunk by chunk and once
    more in the backward pass, so that the logits of one chunk are all that is ever
    held. Positions go by in the order of time, and a chunk without a valid one is
    skipped: after the end of the longest row nothing is computed.
    """
    rows, width = case[-1].shape[:2]
    count, most = rows * width, positions_at_once(vocab)
    if count <= most:
        return read(case)
    chunks = -(-count // most)
    size = -(-count // chunks)

    def cut(x: Array) -> Array:
        flat = x.swapaxes(0, 1).reshape(count, *x.shape[2:])
        padding = ((0, chunks * size - count), *((0, 0),) * (x.ndim - 2))
        return jnp.pad(flat, padding).reshape(chunks, 1, size, *x.shape[2:])

    def joined(x: Array) -> Array:
        flat = x.reshape(-1, *x.shape[3:])[:count]
        return flat.reshape(width, rows, *x.shape[3:]).swapaxes(0, 1)

    def nothing(case: tuple[Array, ...]) -> Any:
        return jax.tree.map(jnp.zeros_like, jax.eval_shape(read, case))

    @jax.checkpoint
    def one(case: tuple[Array, ...]) -> Any:
        return lax.cond(jnp.any(case[-1]), read, nothing, case)

    return jax.tree.map(joined, lax.map(one, jax.tree.map(cut, case)))


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


def log_likelihoods(
    logits: Float[Array, "... V"], ids: Int[Array, "... K"]
) -> Float[Array, "... K"]:
    """logits[ids] - log sum exp(logits)."""
    chosen = jnp.take_along_axis(logits, ids, axis=-1)
    return chosen - jax.nn.logsumexp(logits, axis=-1, keepdims=True)


def _where(valid: Bool[Array, "..."], x: Array) -> Array:
    """0 where it is not valid, whatever stands behind a position's own axes."""
    return jnp.where(valid.reshape(*valid.shape, *[1] * (x.ndim - valid.ndim)), x, 0)


def collision(logits: Float[Array, "... V"]) -> Float[Array, "..."]:
    """sum_v p_v^2 of softmax(logits): the chance that two draws agree."""
    twice = jax.nn.logsumexp(2 * logits, axis=-1)
    return jnp.exp(twice - 2 * jax.nn.logsumexp(logits, axis=-1))


def mean_logp(logits: Float[Array, "... V"]) -> Float[Array, "..."]:
    """(1 / V) sum_v log p_v of softmax(logits): what a uniform choice would find."""
    return jnp.mean(logits, axis=-1) - jax.nn.logsumexp(logits, axis=-1)


def token_entropy(logits: Float[Array, "... V"]) -> Float[Array, "..."]:
    """-sum p log p of the distribution softmax(logits), in nats; p = 0 adds nothing."""
    logp = jax.nn.log_softmax(logits, axis=-1)
    finite = jnp.where(logits > -jnp.inf, logp, 0)
    return -jnp.sum(jnp.exp(logp) * finite, axis=-1)
