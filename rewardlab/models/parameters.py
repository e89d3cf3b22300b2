"""The parameters of a decoder by name: their shapes, first values and two layouts."""

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from rewardlab.models.config import MATRICES, LMConfig

Params = dict[str, Any]


def matrix_shapes(config: LMConfig) -> dict[str, tuple[int, int]]:
    """The matrices of a layer, [in, out], in the order in which they are drawn."""
    width, ffn = config.width, config.ffn
    heads, kv_heads = config.num_heads, config.num_kv_heads
    heads, kv_heads = heads * config.head_dim, kv_heads * config.head_dim
    into = (width, width, width, heads, width, width, ffn)
    out = (heads, kv_heads, kv_heads, width, ffn, ffn, width)
    shapes = dict(zip(MATRICES, zip(into, out, strict=True), strict=True))
    if config.mlp != "swiglu":
        del shapes["gate"]
    return shapes


def vector_shapes(config: LMConfig) -> dict[str, int]:
    """The norms and biases of a layer."""
    sizes = {name: shape[1] for name, shape in matrix_shapes(config).items()}
    biased = dict.fromkeys(("query", "key", "value"), config.qkv_bias)
    biased |= {"out": config.out_bias}
    biased |= dict.fromkeys(("gate", "up", "down"), config.mlp_bias)
    found = {"attention_norm": config.width, "ffn_norm": config.width}
    if config.norm == "layer":
        found |= {f"{name}_bias": size for name, size in found.items()}
    if config.qk_norm:
        found |= {"query_norm": config.head_dim, "key_norm": config.head_dim}
    return found | {f"{name}_bias": sizes[name] for name in sizes if biased[name]}


@functools.partial(jax.jit, static_argnums=0)
def init(config: LMConfig, key: Array) -> Params:
    """Fresh float32 parameters, in the layout of the config.

    Normal with std fan_in^-1/2, norms at 1, biases at 0. One long draw is cut into the
    weights: one generator compiles faster than many.
    """
    vocab, width, layers = config.vocab_size, config.width, config.num_layers
    table = config.max_positions if config.positions == "learned" else 0
    each = sum(math.prod(shape) for shape in matrix_shapes(config).values())
    ends = (2 - config.tied) * vocab * width
    cut = _Cut(jax.random.normal(key, (ends + layers * each + table * width,)))
    params: Params = {"embedding": cut(width, vocab).T}
    of_layer = _Cut(cut.next(layers * each).reshape(layers, each))
    found = {name: of_layer(*size) for name, size in matrix_shapes(config).items()}
    for name, size in vector_shapes(config).items():
        found[name] = jnp.full((layers, size), float(name.endswith("norm")))
    params |= {"layers": found, "final_norm": jnp.ones(width)}
    if config.norm == "layer":
        params["final_norm_bias"] = jnp.zeros(width)
    if not config.tied:
        params["head"] = cut(width, vocab)
    if table:
        params["positions"] = cut(width, table).T
    return params if config.is_stacked else unstacked(params)


class _Cut:
    """Hands out weights, one after the other, from the last axis of an array."""

    def __init__(self, draw: Float[Array, "*L _"]) -> None:
        self.draw, self.used = draw, 0

    def next(self, count: int) -> Float[Array, "*L count"]:
        begin, self.used = self.used, self.used + count
        return self.draw[..., begin : self.used]

    def __call__(self, rows: int, columns: int) -> Float[Array, "*L rows columns"]:
        x = self.next(rows * columns)
        return rows**-0.5 * x.reshape(*x.shape[:-1], rows, columns)


def are_stacked(params: Params) -> bool:
    """Whether each name of a layer is one array for all layers, layer axis first."""
    return not any(isinstance(layer, dict) for layer in params["layers"].values())


def unstacked(params: Params) -> Params:
    """The same parameters with `layers` as {"00": {...}, "01": {...}, ...}.

    Decoding reads them so: a loop that slices them at each token copies them. What is
    unstacked already is returned as it is.
    """
    if not are_stacked(params):
        return params
    layers = params["layers"]
    count = len(jax.tree.leaves(layers)[0])
    apart = {
        f"{i:02}": {name: x[i] for name, x in layers.items()} for i in range(count)
    }
    return {**params, "layers": apart}


def stacked(params: Params) -> Params:
    """The same parameters with `layers` as {name: [L, ...]}; see `unstacked`."""
    if are_stacked(params):
        return params
    layers = [params["layers"][name] for name in sorted(params["layers"], key=int)]
    return {**params, "layers": jax.tree.map(lambda *x: jnp.stack(x), *layers)}
