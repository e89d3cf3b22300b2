"""Rows of a tree of episodes, and how they are copied and joined."""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Int

from rewardlab.rollouts.state import EpisodeState


class Rows(NamedTuple):
    """Episodes that have ended, equally many for each prompt, prompt by prompt."""

    state: EpisodeState  # token t is in slot t of its cache
    env_states: Any  # [N, ...], at the end
    turn_states: Any  # [N, S, ...], before each turn that has begun
    node: Int[Array, "N T"]  # -1 on padding


def nodes(state: EpisodeState, index: Int[Array, " N"]) -> Int[Array, "N T"]:
    """An id for each turn of rows that share nothing."""
    own = index[:, None] * state.turn_scored.shape[1] + state.step
    return jnp.where(state.step >= 0, own, -1)


def packed(state: EpisodeState) -> EpisodeState:
    """The same episodes with token t in slot t of their cache."""
    return state._replace(cache=state.cache.packed(state.tokens.shape[1]))


def gather_rows(rows: Rows, parent: Int[Array, "B M"]) -> Rows:
    """Copies of rows, given by their numbers within their prompt."""
    prompts, cache = parent.shape[0], rows.state.cache

    def leaf(x: Array) -> Array:
        y = x.reshape(prompts, -1, *x.shape[1:])[jnp.arange(prompts)[:, None], parent]
        return y.reshape(-1, *x.shape[1:])

    copied = cache.branch(parent, leaf(cache.valid), 0)
    return _with_cache(jax.tree.map(leaf, _with_cache(rows, None)), copied)


def write_rows(rows: Rows, new: Rows, at: Int[Array, ""], prompts: int) -> Rows:
    """`rows` with `new` written over them, from row `at` of each prompt on."""

    def leaf(x: Array, y: Array) -> Array:
        a, b = (z.reshape(prompts, -1, *z.shape[1:]) for z in (x, y))
        return lax.dynamic_update_slice_in_dim(a, b, at, axis=1).reshape(x.shape)

    def memory(x: Array, y: Array) -> Array:
        return lax.dynamic_update_slice_in_dim(x, y, at, axis=2)

    old, cache = rows.state.cache, new.state.cache
    layers = jax.tree.map(memory, old.layers, cache.layers)
    joined = dataclasses.replace(old, layers=layers, valid=leaf(old.valid, cache.valid))
    bare = [_with_cache(r, None) for r in (rows, new)]
    return _with_cache(jax.tree.map(leaf, *bare), joined)


def _with_cache(rows: Rows, cache: Any) -> Rows:
    return rows._replace(state=rows.state._replace(cache=cache))
