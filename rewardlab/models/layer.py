"""One layer of the decoder."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array, Float, Int

from rewardlab.models.cache import Memory
from rewardlab.models.linear import linear, project, swiglu
from rewardlab.models.streams import Beside, Stream

PRODUCT = "product"  # the name of what a recomputed layer may keep


class Layer(nnx.Module):
    """Attention and a feed-forward network, each after a norm and added.

    It has what its weights name: biases, norms of queries and keys, adapters.
    """

    def __init__(self, config: Any, weights: Mapping[str, Array]) -> None:
        self.config = config
        for name, value in weights.items():
            setattr(self, name, nnx.Param(value))

    def __call__(
        self, x: Float[Array, "N t W"], stream: Stream | Beside
    ) -> tuple[Float[Array, "N t W"], Memory | None]:
        mixed, memory = stream.read(*self._asked(x), self.config.head_dim)
        x = x + self._project(mixed, "out")[0]
        h = self._normed("ffn_norm", x)
        return x + self._project(self._gated(h), "down")[0], memory

    def looks(
        self, x: Float[Array, "1 M W"], both: Beside, at: Int[Array, " N"]
    ) -> Float[Array, "N T"]:
        """How much the token in place `at` of each row looks at each token of it."""
        q, k, _ = self._asked(x)
        return both.looks(q, k, at, self.config.head_dim)

    def _asked(self, x: Float[Array, "N t W"]) -> tuple[Array, Array, Array]:
        """Queries, keys and values."""
        h = self._normed("attention_norm", x)
        q, k, v = self._project(h, "query", "key", "value")
        if self.config.qk_norm:
            q = self._heads_normed("query_norm", q)
            k = self._heads_normed("key_norm", k)
        return q, k, v

    def _gated(self, h: Float[Array, "N t W"]) -> Float[Array, "N t F"]:
        if self.config.mlp == "swiglu":
            return swiglu(*self._project(h, "gate", "up"))
        return jax.nn.gelu(self._project(h, "up")[0], approximate=True)

    def _project(
        self, x: Float[Array, "N t I"], *names: str
    ) -> tuple[Float[Array, "N t _"], ...]:
        """x w + scale (x a) b + bias of each name; what it lacks is left out."""
        plain = project(x, *(getattr(self, name)[...] for name in names))
        return tuple(
            checkpoint_name(self._biased(name, self._adapted(name, x, y)), PRODUCT)
            for name, y in zip(names, plain, strict=True)
        )

    def _adapted(self, name: str, x: Array, y: Array) -> Array:
        if not hasattr(self, f"{name}_a"):
            return y
        a, b = getattr(self, f"{name}_a")[...], getattr(self, f"{name}_b")[...]
        low = self.config.lora.scale * linear(x, a.astype(x.dtype))
        return y + linear(low, b.astype(x.dtype))

    def _biased(self, name: str, y: Array) -> Array:
        bias = getattr(self, f"{name}_bias", None)
        return y if bias is None else y + bias[...].astype(y.dtype)

    def _normed(self, name: str, x: Float[Array, "N t W"]) -> Float[Array, "N t W"]:
        bias = getattr(self, f"{name}_bias", None)
        return normed(x, getattr(self, name), bias, self.config.norm_eps)

    def _heads_normed(self, name: str, x: Float[Array, "N t C"]) -> Array:
        heads = x.reshape(*x.shape[:-1], -1, self.config.head_dim)
        scale = getattr(self, name)[...]
        return rms_norm(heads, scale, self.config.norm_eps).reshape(x.shape)


@jax.jit
def run_layer(
    layer: Layer, x: Float[Array, "N t W"], stream: Stream | Beside
) -> tuple[Float[Array, "N t W"], Memory | None]:
    """A layer that is traced once for all layers of its shape."""
    return layer(x, stream)


def normed(x: Array, scale: nnx.Param, bias: nnx.Param | None, eps: float) -> Array:
    """`rms_norm`, or `layer_norm` where there is a bias."""
    if bias is None:
        return rms_norm(x, scale[...], eps)
    return layer_norm(x, scale[...], bias[...], eps)


def rms_norm(x: Array, scale: Array, eps: float) -> Array:
    """x / sqrt(mean(x^2) + eps) * scale, in float32."""
    wide = x.astype(jnp.float32)
    power = jnp.mean(wide**2, axis=-1, keepdims=True)
    return (wide * lax.rsqrt(power + eps) * scale).astype(x.dtype)


def layer_norm(x: Array, scale: Array, bias: Array, eps: float) -> Array:
    """(x - mean) / sqrt(variance + eps) * scale + bias, in float32."""
    wide = x.astype(jnp.float32)
    wide = wide - jnp.mean(wide, axis=-1, keepdims=True)
    power = jnp.mean(wide**2, axis=-1, keepdims=True)
    return (wide * lax.rsqrt(power + eps) * scale + bias).astype(x.dtype)
