"""Causal attention over a row's own slots and, by reference, its prompt's."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from rewardlab.models.cache import Memory

HIDDEN = -1e30  # finite: a padding query that sees nothing stays free of NaN


def attend(
    queries: Float[Array, "B K R G t D"],
    own: Memory,
    own_mask: Bool[Array, "B 1 1 G t S"],
    prompt: Memory | None,
    prompt_mask: Bool[Array, "B 1 1 #G 1 P"] | None,
) -> Float[Array, "B K R G t D"]:
    """softmax(q k / sqrt(D)) v, where each of K key heads serves R query heads.

    Prompt and own slots are two products under one softmax: the G rows of a prompt are
    G times more queries against its only copy. The softmax is float32.
    """
    queries = queries * queries.shape[-1] ** -0.5
    scores = jnp.einsum("bkrgtd,bkgsd->bkrgts", queries, own.keys)
    scores = jnp.where(own_mask, scores.astype(jnp.float32), HIDDEN)
    peak = lax.stop_gradient(jnp.max(scores, axis=-1, keepdims=True))
    if prompt is None or prompt_mask is None:
        weights = jnp.exp(scores - peak)
        mass = jnp.sum(weights, axis=-1, keepdims=True)
        out = _mix(weights, own, queries)
        return out / mass.astype(out.dtype)
    b, k, *rows, d = queries.shape
    flat, slots = queries.reshape(b, k, -1, d), prompt.keys.shape[3]
    # The longer axis last: short inner loops compile slowly, all unrolled.
    order, axis = ("qp", 5) if slots > flat.shape[2] else ("pq", 2)
    shape = (b, k, *rows)
    products = jnp.einsum(f"bkqd,bkpd->bk{order}", flat, prompt.keys[:, :, 0])
    shared = products.astype(jnp.float32).reshape(*shape[:axis], slots, *shape[axis:])
    shared = jnp.where(jnp.moveaxis(prompt_mask, 5, axis), shared, HIDDEN)
    shared_peak = jnp.expand_dims(jnp.max(shared, axis), 5)
    peak = jnp.maximum(peak, lax.stop_gradient(shared_peak))
    weights = jnp.exp(scores - peak)
    shared = jnp.exp(shared - jnp.expand_dims(peak[..., 0], axis))
    mass = jnp.sum(weights, axis=-1, keepdims=True)
    mass += jnp.expand_dims(jnp.sum(shared, axis), 5)
    shared = shared.astype(flat.dtype).reshape(products.shape)
    read = jnp.einsum(f"bk{order},bkpd->bkqd", shared, prompt.values[:, :, 0])
    out = _mix(weights, own, queries) + read.reshape(queries.shape)
    return out / mass.astype(out.dtype)


def _mix(
    weights: Float[Array, "B K R G t S"], own: Memory, like: Float[Array, "..."]
) -> Float[Array, "B K R G t D"]:
    weights = weights.astype(like.dtype)
    return jnp.einsum("bkrgts,bkgsd->bkrgtd", weights, own.values)
