"""A decoder-only language model: RMSNorm, RoPE, grouped-query attention, SwiGLU.

The flax nnx module is split once into a plain dict of parameters and lives only in
this package; everyone else holds `apply(params, tokens, cache) -> (logits, cache)`.
"""

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from rewardlab.models.attention import attend
from rewardlab.models.cache import Cache, Memory, write
from rewardlab.models.linear import linear, project, swiglu

Params = dict[str, Any]
Apply = Callable[
    [Params, Int[Array, "N t"], Cache], tuple[Float[Array, "N t V"], Cache]
]


@dataclasses.dataclass(frozen=True)
class LMConfig:
    """The shape of a model and how it computes.

    Parameters are float32; `dtype` is that of activations and cache ("float32" or
    "bfloat16"). `tied` uses the embedding as the head. `remat` recomputes each layer
    in the backward pass: less memory, about a fifth more time.
    """

    vocab_size: int
    num_layers: int
    width: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    ffn: int
    tied: bool = True
    dtype: str = "float32"
    remat: bool = False
    rope_theta: float = 10_000.0
    norm_eps: float = 1e-6

    def __post_init__(self) -> None:
        if self.num_heads % self.num_kv_heads:
            raise ValueError(
                f"num_heads={self.num_heads} is not a multiple of num_kv_heads="
                f"{self.num_kv_heads}; every key head serves as many query heads"
            )
        if self.head_dim % 2:
            raise ValueError(
                f"head_dim={self.head_dim} is odd; RoPE turns pairs, so make it even"
            )
        if self.dtype not in ("float32", "bfloat16"):
            raise ValueError(f"dtype={self.dtype!r}; write 'float32' or 'bfloat16'")


CONFIGS = {
    "S": LMConfig(64, 2, 128, num_heads=4, num_kv_heads=4, head_dim=32, ffn=512),
    "M": LMConfig(512, 6, 384, num_heads=6, num_kv_heads=6, head_dim=64, ffn=1024),
}


@functools.partial(jax.jit, static_argnums=0)
def init(config: LMConfig, key: Array) -> Params:
    """Fresh float32 parameters: normal with std fan_in^-1/2, norms at 1.

    One long draw is cut into the weights: a program with one generator instead of one
    a weight compiles in a third of the time.
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
    config: LMConfig, params: Params, tokens: Int[Array, "N t"], cache: Cache
) -> tuple[Float[Array, "N t V"], Cache]:
    """Reads t more tokens in each row; logits (float32) predict the token after each.

    Row n attends to itself, causally, and to the prompt that its cache was forked
    from. Positions count the valid tokens of prompt and row, so padding changes
    nothing. Where `cache.valid` is False the logits mean nothing.
    """
    return nnx.merge(_split(config)[0], nnx.State(params))(tokens, cache)


@functools.cache
def bind(config: LMConfig) -> Apply:
    """`apply` of one config: the same object each time, so jit does not retrace."""
    return functools.partial(apply, config)


@functools.cache
def _split(config: LMConfig) -> tuple[Any, Any]:
    """The module's graph and the shapes of its parameters."""
    enough = jax.ShapeDtypeStruct((2**40,), jnp.float32)
    model = nnx.eval_shape(lambda draw: _LM(config, _Cut(draw)), enough)
    return nnx.split(model, nnx.Param)


class _Look(NamedTuple):
    """Where the new tokens stand and what they see; the same in every layer."""

    cos: Float[Array, "B 1 G t E"]
    sin: Float[Array, "B 1 G t E"]
    own: Bool[Array, "B 1 1 G t S"]
    prompt: Bool[Array, "B 1 1 P"] | None
    used: Int[Array, ""]


def _look(cache: Cache, count: int, config: LMConfig) -> _Look:
    groups = (cache.prompts, cache.rows)
    slots = cache.valid.shape[1] + (cache.prompt.valid.shape[1] if cache.prompt else 0)
    table = jnp.asarray(_rope_table(config, slots))
    turns = table[cache.positions(count)].reshape(*groups[:1], 1, groups[1], count, -1)
    cos, sin = jnp.split(turns, 2, axis=-1)
    own = cache.visible(count).reshape(groups[0], 1, 1, groups[1], count, -1)
    prompt = cache.prompt.valid[:, None, None] if cache.prompt else None
    return _Look(cos, sin, own, prompt, cache.used)


@functools.cache
def _rope_table(config: LMConfig, slots: int) -> np.ndarray:
    half = config.head_dim // 2
    angle = np.outer(np.arange(slots), config.rope_theta ** (-np.arange(half) / half))
    return np.concatenate([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)


class _LM(nnx.Module):
    def __init__(self, config: LMConfig, draw: _Cut) -> None:
        self.config = config
        vocab, width = config.vocab_size, config.width
        self.embedding = nnx.Param(draw(width, vocab).T)
        self.layers = nnx.Dict(
            {f"{i:02}": _Layer(config, draw) for i in range(config.num_layers)}
        )
        self.final_norm = nnx.Param(jnp.ones(width))
        if not config.tied:
            self.head = nnx.Param(draw(width, vocab))

    def __call__(
        self, tokens: Int[Array, "N t"], cache: Cache
    ) -> tuple[Float[Array, "N t V"], Cache]:
        config, count = self.config, tokens.shape[1]
        x = self.embedding[...].astype(config.dtype)[tokens]
        look = _look(cache, count, config)
        run = nnx.remat(_Layer.__call__) if config.remat else _Layer.__call__
        nothing = (None,) * config.num_layers
        prompts = cache.prompt.layers if cache.prompt else nothing
        layers = []
        for i in range(config.num_layers):
            old = cache.layers[i] if cache.layers else None
            x, new = run(self.layers[f"{i:02}"], x, look, old, prompts[i])
            layers.append(new)
        x = _rms_norm(x, self.final_norm[...], config.norm_eps)
        head = self.embedding[...].T if config.tied else self.head[...]
        # In float32 always: rounded logits make the ratio of training to sampling drift
        # (MiniMax-M1, arXiv 2506.13585).
        logits = linear(x.astype(jnp.float32), head)
        used = cache.used + count
        return logits, dataclasses.replace(cache, layers=tuple(layers), used=used)


class _Layer(nnx.Module):
    def __init__(self, config: LMConfig, draw: _Cut) -> None:
        self.config = config
        width, ffn, d = config.width, config.ffn, config.head_dim
        self.attention_norm = nnx.Param(jnp.ones(width))
        self.query = nnx.Param(draw(width, config.num_heads * d))
        self.key = nnx.Param(draw(width, config.num_kv_heads * d))
        self.value = nnx.Param(draw(width, config.num_kv_heads * d))
        self.out = nnx.Param(draw(config.num_heads * d, width))
        self.ffn_norm = nnx.Param(jnp.ones(width))
        self.gate = nnx.Param(draw(width, ffn))
        self.up = nnx.Param(draw(width, ffn))
        self.down = nnx.Param(draw(ffn, width))

    def __call__(
        self,
        x: Float[Array, "N t W"],
        look: _Look,
        memory: Memory | None,
        prompt: Memory | None,
    ) -> tuple[Float[Array, "N t W"], Memory]:
        config = self.config
        h = _rms_norm(x, self.attention_norm[...], config.norm_eps)
        q, k, v = (
            _heads(y, look, config)
            for y in project(h, self.query[...], self.key[...], self.value[...])
        )
        new = Memory(_rotate(k, look), v)
        memory = write(memory, new, look.used, look.own.shape[-1])
        b, _, g, t, d = q.shape
        q = _rotate(q, look).reshape(b, config.num_kv_heads, -1, g, t, d)
        mixed = attend(q, memory, look.own, prompt, look.prompt)
        mixed = mixed.transpose(0, 3, 4, 1, 2, 5).reshape(*x.shape[:2], -1)
        x = x + project(mixed, self.out[...])[0]
        h = _rms_norm(x, self.ffn_norm[...], config.norm_eps)
        gate, up = project(h, self.gate[...], self.up[...])
        return x + project(swiglu(gate, up), self.down[...])[0], memory


def _heads(
    x: Float[Array, "N t C"], look: _Look, config: LMConfig
) -> Float[Array, "B H G t D"]:
    b, _, g, t, _ = look.cos.shape
    return x.reshape(b, g, t, -1, config.head_dim).transpose(0, 3, 1, 2, 4)


def _rotate(x: Float[Array, "B H G t D"], look: _Look) -> Float[Array, "B H G t D"]:
    """RoPE (arXiv 2104.09864): pairs (i, i + D/2) turn with the position."""
    x1, x2 = jnp.split(x.astype(jnp.float32), 2, axis=-1)
    cos, sin = look.cos, look.sin
    turned = jnp.concatenate([x1 * cos - x2 * sin, x2 * cos + x1 * sin], axis=-1)
    return turned.astype(x.dtype)


def _rms_norm(x: Array, scale: Array, eps: float) -> Array:
    """x / sqrt(mean(x^2) + eps) * scale, in float32."""
    wide = x.astype(jnp.float32)
    power = jnp.mean(wide**2, axis=-1, keepdims=True)
    return (wide * lax.rsqrt(power + eps) * scale).astype(x.dtype)
