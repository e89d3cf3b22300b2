"""Causal attention over a row's own slots and, by reference, its prompt's."""

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from rewardlab.models.cache import Memory

_HIDDEN = -1e30  # finite: a padding query that sees nothing stays free of NaN


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
    scores = jnp.where(own_mask, scores.astype(jnp.float32), _HIDDEN)
    peak = lax.stop_gradient(jnp.max(scores, axis=-1, keepdims=True))
    if prompt is None or prompt_mask is None:
        weights = jnp.exp(scores - peak)
        mass = jnp.sum(weights, axis=-1, keepdims=True)
        out = _mix(weights, own, queries)
        return out / mass.astype(out.dtype)
    b, k, *_, d = queries.shape
    flat = queries.reshape(b, k, -1, d)
    shared = jnp.einsum("bkqd,bkpd->bkqp", flat, prompt.keys[:, :, 0])
    shared = shared.astype(jnp.float32).reshape(*scores.shape[:-1], -1)
    shared = jnp.where(prompt_mask, shared, _HIDDEN)
    shared_peak = jnp.max(shared, axis=-1, keepdims=True)
    peak = jnp.maximum(peak, lax.stop_gradient(shared_peak))
    weights, shared = jnp.exp(scores - peak), jnp.exp(shared - peak)
    mass = jnp.sum(weights, axis=-1, keepdims=True)
    mass += jnp.sum(shared, axis=-1, keepdims=True)
    shared = shared.astype(flat.dtype).reshape(*flat.shape[:-1], -1)
    read = jnp.einsum("bkqp,bkpd->bkqd", shared, prompt.values[:, :, 0])
    out = _mix(weights, own, queries) + read.reshape(queries.shape)
    return out / mass.astype(out.dtype)


def _mix(
    weights: Float[Array, "B K R G t S"], own: Memory, like: Float[Array, "..."]
) -> Float[Array, "B K R G t D"]:
    weights = weights.astype(like.dtype)
    return jnp.einsum("bkrgts,bkgsd->bkrgtd", weights, own.values)
