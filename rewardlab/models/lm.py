"""A decoder-only language model, as functions of a plain dict of parameters.

The flax nnx modules live only in this package; others use
`apply(params, tokens, cache) -> (logits, cache)` to sample, and for completions that
exist `states(params, prompts, ..., tokens, ...)` and the `head`.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from rewardlab.models.cache import Cache
from rewardlab.models.config import CONFIGS as CONFIGS
from rewardlab.models.config import LAYERS as LAYERS
from rewardlab.models.config import LMConfig as LMConfig
from rewardlab.models.config import LoRA as LoRA
from rewardlab.models.config import RopeScaling as RopeScaling
from rewardlab.models.decoder import Decoder
from rewardlab.models.linear import linear
from rewardlab.models.parameters import Params as Params
from rewardlab.models.parameters import init as init
from rewardlab.models.parameters import stacked as stacked
from rewardlab.models.parameters import unstacked as unstacked

Apply = Callable[..., tuple[Float[Array, "N t V"], Cache]]  # as `apply`, of one config


def apply(
    config: LMConfig,
    params: Params,
    tokens: Int[Array, "N t"],
    cache: Cache,
    last: bool = False,
) -> tuple[Float[Array, "N #t V"], Cache]:
    """Reads t more tokens in each row; logits (float32) predict the token after each.

    With `last` they are those after the last one alone, [N, 1, V]: of a prompt no more
    is needed, and no compiler finds that out.

    Row n attends to itself, causally, and to the prompt that its cache was forked
    from. Positions count the valid tokens of prompt and row, so padding changes
    nothing. Where `cache.valid` is False the logits mean nothing.
    """
    (logits, _), cache = apply_with_states(config, params, tokens, cache, last)
    return logits, cache


def apply_with_states(
    config: LMConfig,
    params: Params,
    tokens: Int[Array, "N t"],
    cache: Cache,
    last: bool = False,
) -> tuple[tuple[Float[Array, "N #t V"], Float[Array, "N #t W"]], Cache]:
    """As `apply`, with what the head reads beside what it says, both in float32."""
    model = Decoder(config, unstacked(params))
    x, cache = model.read(tokens, cache)
    x = model.normed(x[:, -1:] if last else x)
    return (linear(x, head(config, params)), x), cache


def head(config: LMConfig, params: Params) -> Float[Array, "W V"]:
    """What makes logits of states, in float32 always.

    Rounded logits make the ratio of training to sampling drift (MiniMax-M1, arXiv
    2506.13585).
    """
    weights = params["embedding"].T if config.tied else params["head"]
    return weights.astype(jnp.float32)


def states(
    config: LMConfig,
    params: Params,
    prompts: Int[Array, "B P"],
    prompt_mask: Bool[Array, "B P"],
    tokens: Int[Array, "N T"],
    valid: Bool[Array, "N T"],
    after: bool = False,
) -> Float[Array, "N T W"]:
    """What the head reads to predict each completion token, in float32.

    Slot t holds the state *before* token t: after the prompt for the first; or, with
    `after`, the one that has read token t. Rows
    b*G .. b*G+G-1 of `tokens` answer prompt b, which is read once for all of them.
    The same numbers as `apply` on the prompts and then on the fork of their cache, with
    every product made once for prompts and completions.
    """
    model = Decoder(config, params)
    ends, rest = map(model.normed, model.both(prompts, prompt_mask, tokens, valid))
    if after:
        return rest
    first = jnp.repeat(ends[:, None], tokens.shape[0] // prompts.shape[0], axis=0)
    return jnp.concatenate([first, rest[:, :-1]], axis=1)


def inner(
    config: LMConfig,
    params: Params,
    texts: tuple[Array, Array, Array, Array],
    after: tuple[int, ...],
) -> Float[Array, "N T K W"]:
    """What leaves layers number `after` once each completion token is read, in float32.

    `texts` are prompts, their mask, tokens and which are valid, as for `states`; there
    is no norm after a layer, so the last one's is not what the head reads.
    """
    return Decoder(config, params).inner(texts, after)


def looks(
    config: LMConfig,
    params: Params,
    texts: tuple[Array, Array, Array, Array],
    at: Int[Array, " N"],
) -> Float[Array, "N T"]:
    """How much the token in place `at` of each row looks at each token of the row.

    The attention of the last layer, the mean over heads; what is missing from 1 goes to
    the prompt. `texts` are as for `inner`.
    """
    return Decoder(config, params).looks(texts, at)


@functools.cache
def bind(config: LMConfig) -> Apply:
    """`apply` of one config: the same object each time, so jit does not retrace."""
    return functools.partial(apply, config)


@functools.cache
def bind_with_states(config: LMConfig) -> Callable[..., Any]:
    """`apply_with_states` of one config: the same object each time."""
    return functools.partial(apply_with_states, config)
