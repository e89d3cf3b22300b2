"""Low-rank adapters (LoRA, arXiv 2106.09685) as a tree of their own.

What learns is `{"layers": {..., "query_a": [in, r], "query_b": [r, out], ...}}` in the
layout of the frozen weights, which are another tree and stay as they are. A forward
pass that is to be differentiated takes both, joined; one that is not, such as sampling,
is as fast as without adapters if it takes them merged.
"""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array

from rewardlab.models.config import LMConfig, LoRA
from rewardlab.models.parameters import Params, matrix_shapes, unstacked


@functools.partial(jax.jit, static_argnums=0)
def init(config: LMConfig, key: Array) -> Params:
    """Fresh adapters: a normal with std in^-1/2, b = 0, so that nothing changes yet."""
    lora, layers, found = _of(config), config.num_layers, {}
    for name, (rows, columns) in matrix_shapes(config).items():
        key, own = jax.random.split(key)
        if name in lora.targets:
            a = jax.random.normal(own, (layers, rows, lora.rank))
            found[f"{name}_a"] = rows**-0.5 * a
            found[f"{name}_b"] = jnp.zeros((layers, lora.rank, columns))
    adapters = {"layers": found}
    return adapters if config.is_stacked else unstacked(adapters)


def join(frozen: Params, adapters: Params) -> Params:
    """One tree of both, for a forward pass that adds the adapters' part as it goes.

    Differentiate with respect to the adapters alone, then no gradient of a frozen
    weight is computed:

        jax.grad(lambda adapters: loss(join(frozen, adapters)))(adapters)
    """
    both = dict(frozen)
    for name, value in adapters.items():
        inner = isinstance(value, dict) and name in frozen
        both[name] = join(frozen[name], value) if inner else value
    return both


def merged(frozen: Params, adapters: Params, config: LMConfig) -> Params:
    """Weights that do alone what both do: w + (alpha / rank) a b for each target."""
    scale = _of(config).scale

    def merge(weights: Params, added: Params) -> Params:
        whole = dict(weights)
        for name, a in added.items():
            if isinstance(a, dict):
                whole[name] = merge(weights[name], a)
            elif name.endswith("_a"):
                target = name.removesuffix("_a")
                w, product = weights[target], scale * a @ added[f"{target}_b"]
                whole[target] = (w + product).astype(w.dtype)
        return whole

    return merge(frozen, adapters)


def _of(config: LMConfig) -> LoRA:
    if config.lora is None:
        raise ValueError("this model has no adapters; give its LMConfig a `lora`")
    return config.lora
