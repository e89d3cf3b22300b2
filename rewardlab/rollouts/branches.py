"""Episodes from the prompt, and episodes from the middle of others."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from rewardlab.models.lm import Apply, Params
from rewardlab.rollouts.drawing import Sampling, row_noise
from rewardlab.rollouts.episodes import (
    Columns,
    init_episodes,
    run_until_done,
    tree_where,
)
from rewardlab.rollouts.rows import Rows, gather_rows, nodes, packed
from rewardlab.rollouts.state import rewind
from rewardlab.tasks.environment import Environment


class TreeContext(NamedTuple):
    """What stays the same while rows are added to a tree."""

    apply: Apply
    params: Params
    columns: Columns
    key: Array
    iteration: Int[Array, ""]
    options: Sampling
    environment: Environment
    first: Float[Array, "B V"]  # logits after each prompt


def roots(
    apply: Apply,
    params: Params,
    columns: Columns,
    key: Array,
    iteration: Int[Array, ""],
    options: Sampling,
    environment: Environment,
    count: int,
) -> tuple[TreeContext, Rows]:
    """`count` whole episodes for each prompt, with their states before each turn."""
    sampling = dataclasses.replace(options, num_generations=count)
    state, env_states, noise = init_episodes(
        apply, params, columns, key, iteration, sampling, environment
    )
    first, turns = state.logits[::count], environment.max_turns
    blank = lambda x: jnp.zeros((x.shape[0], turns, *x.shape[1:]), x.dtype)  # noqa: E731
    turn_states = jax.tree.map(blank, env_states)
    state, env_states, turn_states = run_until_done(
        state, env_states, turn_states, apply, params, noise, options, environment
    )
    context = TreeContext(
        apply, params, columns, key, iteration, options, environment, first
    )
    index = jnp.arange(state.length.shape[0]) % count
    return context, Rows(packed(state), env_states, turn_states, nodes(state, index))


def resume_from_turn(
    context: TreeContext,
    rows: Rows,
    parent: Int[Array, "B M"],
    turn: Int[Array, "B M"],
    keys: Array,
    index: Int[Array, " M"],
) -> Rows:
    """M more episodes for each prompt, each from the beginning of a parent's turn.

    `parent` numbers rows within a prompt. Turn 0 is a fresh episode; a turn that the
    parent never began repeats the parent's episode. `keys` [B M] are the keys of the
    noise, `index` the new rows' own numbers within their prompt, for `node`.
    """
    options, width = context.options, rows.node.shape[1]
    old = gather_rows(rows, parent)
    turn = turn.reshape(-1)
    start = rewind(old.state, turn, options.pad_id)
    each, prefix = jnp.arange(turn.shape[0]), start.length

    # The logits after the prefix were not kept: its last token is read once more.
    again = prefix > 0
    last = start.tokens[each, jnp.maximum(prefix - 1, 0)]
    held = jnp.arange(width) < prefix[:, None] - 1
    cache = rows.state.cache.branch(parent, held, width + 1).reading(again)
    logits, cache = context.apply(context.params, last[:, None], cache)
    fresh = jnp.repeat(context.first, parent.shape[1], axis=0)
    logits = jnp.where(again[:, None], logits[:, 0], fresh)

    begun = jax.tree.map(lambda x: x[each, start.turn], old.turn_states)
    state, env_states, turn_states = run_until_done(
        start._replace(cache=cache, logits=logits),
        tree_where(turn > old.state.turn, old.env_states, begun),
        old.turn_states,
        context.apply,
        context.params,
        row_noise(keys, width, logits.shape[-1]),
        options,
        context.environment,
    )
    shared = jnp.arange(width) < prefix[:, None]
    own = nodes(state, jnp.tile(index, parent.shape[0]))
    node = jnp.where(shared, old.node, own)
    return Rows(packed(state), env_states, turn_states, node)
