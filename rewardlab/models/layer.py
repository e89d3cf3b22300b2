"""One layer of the decoder."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax
from jaxtyping import Array, Float

from rewardlab.models.cache import Memory
from rewardlab.models.linear import project, swiglu
from rewardlab.models.streams import Beside, Stream

Draw = Callable[[int, int], Float[Array, "rows columns"]]  # weights of that shape


class Layer(nnx.Module):
    """Attention and a gated feed-forward network, each after a norm and added."""

    def __init__(self, config: Any, draw: Draw) -> None:
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
        self, x: Float[Array, "N t W"], stream: Stream | Beside
    ) -> tuple[Float[Array, "N t W"], Memory | None]:
        config = self.config
        h = rms_norm(x, self.attention_norm[...], config.norm_eps)
        q, k, v = project(h, self.query[...], self.key[...], self.value[...])
        mixed, memory = stream.read(q, k, v, config.head_dim)
        x = x + project(mixed, self.out[...])[0]
        h = rms_norm(x, self.ffn_norm[...], config.norm_eps)
        gate, up = project(h, self.gate[...], self.up[...])
        return x + project(swiglu(gate, up), self.down[...])[0], memory


@jax.jit
def run_layer(
    layer: Layer, x: Float[Array, "N t W"], stream: Stream | Beside
) -> tuple[Float[Array, "N t W"], Memory | None]:
    """A layer that is traced once for all layers of its shape."""
    return layer(x, stream)


def rms_norm(x: Array, scale: Array, eps: float) -> Array:
    """x / sqrt(mean(x^2) + eps) * scale, in float32."""
    wide = x.astype(jnp.float32)
    power = jnp.mean(wide**2, axis=-1, keepdims=True)
    return (wide * lax.rsqrt(power + eps) * scale).astype(x.dtype)
