"""A decoder-only language model: RMSNorm, RoPE, grouped-query attention, SwiGLU.

The flax nnx module is split once into a plain dict of parameters and lives only in this
package; others use `apply(params, tokens, cache) -> (logits, cache)` to sample, and for
completions that exist `states(params, prompts, ..., tokens, ...)` and the `head`.
"""

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float, Int

from rewardlab.models.cache import Cache, start
from rewardlab.models.config import CONFIGS as CONFIGS
from rewardlab.models.config import LMConfig as LMConfig
from rewardlab.models.config import LoRA as LoRA
from rewardlab.models.config import RopeScaling as RopeScaling
from rewardlab.models.layer import Layer, rms_norm, run_layer
from rewardlab.models.linear import linear
from rewardlab.models.streams import Beside, Stream, View

Params = dict[str, Any]
Apply = Callable[..., tuple[Float[Array, "N t V"], Cache]]  # as `apply`, of one config


@functools.partial(jax.jit, static_argnums=0)
def init(config: LMConfig, key: Array) -> Params:
    """Fresh float32 parameters: normal with std fan_in^-1/2, norms at 1.

    One long draw is cut into the weights: one generator compiles faster than many.
    """
    shapes = jax.tree.leaves(_split(config)[1])
    draw = jax.random.normal(key, (sum(math.prod(x.shape) for x in shapes),))
    model = _LM(config, _Cut(draw))
    return nnx.to_pure_dict(nnx.state(model, nnx.Param))


class _Cut:
    """Hands out weights, one after the other, from one array of standard normals."""

    def __init__(self, draw: Float[Array, " _"]) -> None:
        self.draw, self.used = draw, 0

    def __call__(self, rows: int, columns: int) -> Float[Array, "rows columns"]:
        begin, self.used = self.used, self.used + rows * columns
        return rows**-0.5 * self.draw[begin : self.used].reshape(rows, columns)


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
    model = nnx.merge(_split(config)[0], nnx.State(params))
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
) -> Float[Array, "N T W"]:
    """What the head reads to predict each completion token, in float32.

    Slot t holds the state *before* token t: after the prompt for the first. Rows
    b*G .. b*G+G-1 of `tokens` answer prompt b, which is read once for all of them.
    The same numbers as `apply` on the prompts and then on the fork of their cache, with
    every product made once for prompts and completions.
    """
    model = nnx.merge(_split(config)[0], nnx.State(params))
    ends, rest = map(model.normed, model.both(prompts, prompt_mask, tokens, valid))
    first = jnp.repeat(ends[:, None], tokens.shape[0] // prompts.shape[0], axis=0)
    return jnp.concatenate([first, rest[:, :-1]], axis=1)


@functools.cache
def bind(config: LMConfig) -> Apply:
    """`apply` of one config: the same object each time, so jit does not retrace."""
    return functools.partial(apply, config)


@functools.cache
def bind_with_states(config: LMConfig) -> Callable[..., Any]:
    """`apply_with_states` of one config: the same object each time."""
    return functools.partial(apply_with_states, config)


@functools.cache
def _split(config: LMConfig) -> tuple[Any, Any]:
    """The module's graph and the shapes of its parameters."""
    enough = jax.ShapeDtypeStruct((2**40,), jnp.float32)
    model = nnx.eval_shape(lambda draw: _LM(config, _Cut(draw)), enough)
    return nnx.split(model, nnx.Param)


class _LM(nnx.Module):
    def __init__(self, config: LMConfig, draw: _Cut) -> None:
        self.config = config
        vocab, width = config.vocab_size, config.width
        self.embedding = nnx.Param(draw(width, vocab).T)
        self.layers = nnx.Dict(
            {f"{i:02}": Layer(config, draw) for i in range(config.num_layers)}
        )
        self.final_norm = nnx.Param(jnp.ones(width))
        if not config.tied:
            self.head = nnx.Param(draw(width, vocab))

    def read(
        self, tokens: Int[Array, "N t"], cache: Cache
    ) -> tuple[Float[Array, "N t W"], Cache]:
        count, number = tokens.shape[1], self.config.num_layers
        view, nothing = self._view(cache, count), (None,) * number
        prompts = cache.prompt.layers if cache.prompt else nothing
        streams = map(Stream, (view,) * number, cache.layers or nothing, prompts)
        x, layers = self._layers(tokens, tuple(streams))
        used = cache.used + count
        return x, dataclasses.replace(cache, layers=layers, used=used)

    def both(
        self,
        prompts: Int[Array, "B P"],
        prompt_mask: Bool[Array, "B P"],
        tokens: Int[Array, "N T"],
        valid: Bool[Array, "N T"],
    ) -> tuple[Float[Array, "B W"], Float[Array, "N T W"]]:
        cache = start(prompt_mask)
        rows = cache.fork(tokens.shape[0] // prompts.shape[0], valid)
        views = (
            self._view(cache, prompts.shape[1]),
            self._view(rows, tokens.shape[1]),
        )
        together = jnp.concatenate([prompts.reshape(1, -1), tokens.reshape(1, -1)], 1)
        x, _ = self._layers(together, (Beside(*views),) * self.config.num_layers)
        ends = x[0, : prompts.size].reshape(*prompts.shape, -1)[:, -1]
        return ends, x[0, prompts.size :].reshape(*tokens.shape, -1)

    def _view(self, cache: Cache, count: int) -> View:
        return View.of(cache, count, self.config.head_dim, self.config.rope_theta)

    def _layers(
        self, tokens: Int[Array, "N t"], streams: tuple[Stream | Beside, ...]
    ) -> tuple[Float[Array, "N t W"], tuple[Any, ...]]:
        x = self.embedding[...].astype(self.config.dtype)[tokens]
        run = nnx.remat(run_layer) if self.config.remat else run_layer
        memories = []
        for i, stream in enumerate(streams):
            x, memory = run(self.layers[f"{i:02}"], x, stream)
            memories.append(memory)
        return x, tuple(memories)

    def normed(self, x: Float[Array, "*N W"]) -> Float[Array, "*N W"]:
        x = rms_norm(x, self.final_norm[...], self.config.norm_eps)
        return x.astype(jnp.float32)
