"""The decoder as a module: embedding, layers and last norm."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from rewardlab.models.cache import Cache, start
from rewardlab.models.config import LMConfig
from rewardlab.models.layer import PRODUCT, Layer, normed, run_layer
from rewardlab.models.parameters import Params, are_stacked, matrix_shapes
from rewardlab.models.streams import Beside, Stream, View

# Of products with weights, as many bytes are kept for the backward pass: to make them
# again takes a third more time.
_KEPT = 2**30
_PRODUCTS = jax.checkpoint_policies.save_only_these_names(PRODUCT)


class Decoder(nnx.Module):
    """Made of its parameters, whose layout says how the layers run.

    Unstacked layers go one by one, and only those read into a cache. Stacked ones are
    scanned for prompts beside completions and recomputed in the backward pass: but for
    the products with weights while those of all layers take at most 1 GB, whole beyond,
    so that only one layer's intermediate results are ever held.
    """

    def __init__(self, config: LMConfig, params: Params) -> None:
        self.config = config
        self.embedding = nnx.Param(params["embedding"])
        self.final_norm = nnx.Param(params["final_norm"])
        self.final_norm_bias = _maybe(params, "final_norm_bias")
        self.positions = _maybe(params, "positions")
        self.scanned, layers = are_stacked(params), params["layers"]
        names = [] if self.scanned else sorted(layers, key=int)
        each = nnx.List(Layer(config, layers[name]) for name in names)
        self.layers: Any = Layer(config, layers) if self.scanned else each

    def read(
        self, tokens: Int[Array, "N t"], cache: Cache
    ) -> tuple[Float[Array, "N t W"], Cache]:
        count, number = tokens.shape[1], self.config.num_layers
        view, nothing = View.of(cache, count, self.config), (None,) * number
        prompts = cache.prompt.layers if cache.prompt else nothing
        streams = map(Stream, (view,) * number, cache.layers or nothing, prompts)
        x, memories = self._embedded(tokens, view), []
        for layer, stream in zip(self.layers, streams, strict=True):
            x, memory = run_layer(layer, x, stream)
            memories.append(memory)
        used = cache.used + count
        return x, dataclasses.replace(cache, layers=tuple(memories), used=used)

    def both(
        self,
        prompts: Int[Array, "B P"],
        prompt_mask: Bool[Array, "B P"],
        tokens: Int[Array, "N T"],
        valid: Bool[Array, "N T"],
    ) -> tuple[Float[Array, "B W"], Float[Array, "N T W"]]:
        x, _ = self._beside((prompts, prompt_mask, tokens, valid))
        ends = x[0, : prompts.size].reshape(*prompts.shape, -1)[:, -1]
        return ends, x[0, prompts.size :].reshape(*tokens.shape, -1)

    def inner(
        self, texts: tuple[Array, Array, Array, Array], after: tuple[int, ...]
    ) -> Float[Array, "N T K W"]:
        """What leaves layers number `after` (1 is the first) at completion tokens."""
        prompts, _, tokens, _ = texts
        _, kept = self._beside(texts, after)
        rows = kept[:, 0, prompts.size :].reshape(len(after), *tokens.shape, -1)
        return jnp.moveaxis(rows, 0, 2).astype(jnp.float32)

    def looks(
        self, texts: tuple[Array, Array, Array, Array], at: Int[Array, " N"]
    ) -> Float[Array, "N T"]:
        """How much each row's token `at` looks at its tokens, in the last layer."""
        x, views = self._side_by_side(texts)
        if self.config.num_layers > 1:
            x = self._through(x, views, (self.config.num_layers - 1,))[1][0]
        cut = lambda w: w[-1]  # noqa: E731
        last = jax.tree.map(cut, self.layers) if self.scanned else self.layers[-1]
        return last.looks(x, views, at)

    def _beside(
        self, texts: tuple[Array, Array, Array, Array], after: tuple[int, ...] = ()
    ) -> tuple[Float[Array, "1 M W"], Float[Array, "K 1 M W"]]:
        return self._through(*self._side_by_side(texts), after)

    def _side_by_side(
        self, texts: tuple[Array, Array, Array, Array]
    ) -> tuple[Float[Array, "1 M W"], Beside]:
        """What the first layer is given, and what is seen in every layer."""
        prompts, prompt_mask, tokens, valid = texts
        cache = start(prompt_mask)
        rows = cache.fork(tokens.shape[0] // prompts.shape[0], valid)
        views = Beside(
            View.of(cache, prompts.shape[1], self.config),
            View.of(rows, tokens.shape[1], self.config),
        )
        together = jnp.concatenate([prompts.reshape(1, -1), tokens.reshape(1, -1)], 1)
        return self._embedded(together, *views), views

    def normed(self, x: Float[Array, "*N W"]) -> Float[Array, "*N W"]:
        bias, eps = self.final_norm_bias, self.config.norm_eps
        x = normed(x, self.final_norm, bias, eps)
        return x.astype(jnp.float32)

    def _embedded(
        self, tokens: Int[Array, "N t"], *views: View
    ) -> Float[Array, "N t W"]:
        x = self.embedding[...][tokens]
        places = [view.places.reshape(-1) for view in views if view.places is not None]
        if self.positions is not None:
            x = x + self.positions[...][jnp.concatenate(places).reshape(tokens.shape)]
        return x.astype(self.config.dtype)

    def _through(
        self, x: Float[Array, "1 M W"], views: Beside, after: tuple[int, ...]
    ) -> tuple[Float[Array, "1 M W"], Float[Array, "K 1 M W"]]:
        """All layers; beside what leaves the last, what leaves layers `after`."""
        kept = jnp.zeros((len(after), *x.shape), x.dtype)
        if not self.scanned:
            for number, layer in enumerate(self.layers, 1):
                x, _ = run_layer(layer, x, views)
                kept = _keeping(kept, x, number, after)
            return x, kept

        def step(now: tuple[Array, Array], at: tuple[Array, Layer]) -> Any:
            number, layer = at
            x = layer(now[0], views)[0]
            return (x, _keeping(now[1], x, number, after)), None

        shapes = matrix_shapes(self.config)
        products = sum(shapes[name][1] for name in shapes if name != "down")
        held = x.shape[1] * self.config.num_layers * products * x.dtype.itemsize
        policy = _PRODUCTS if held <= _KEPT else None
        step = jax.checkpoint(step, prevent_cse=False, policy=policy)
        numbers = jnp.arange(1, self.config.num_layers + 1)
        return lax.scan(step, (x, kept), (numbers, self.layers))[0]


def _keeping(kept: Array, x: Array, number: Any, after: tuple[int, ...]) -> Array:
    """`kept` with what leaves layer `number` in the places that ask for it."""
    if not after:
        return kept
    here = jnp.array(after)[:, None, None, None] == number
    return jnp.where(here, x, kept)


def _maybe(params: Params, name: str) -> nnx.Param | None:
    return nnx.Param(params[name]) if name in params else None
