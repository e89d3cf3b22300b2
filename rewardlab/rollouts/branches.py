"""Episodes from the prompt, and episodes from the middle of others."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from rewardlab.models.lm import Apply, Params
from rewardlab.rollouts.drawing import Sampling, gumbel_noise
from rewardlab.rollouts.episodes import Facts, choose_rows, to_the_end, unplayed
from rewardlab.rollouts.playing import rewind
from rewardlab.rollouts.rows import Rows, nodes, packed, pick
from rewardlab.tasks.environment import Environment


class Setting(NamedTuple):
    """What stays as it is while rows are added."""

    apply: Apply
    params: Params
    facts: Facts
    key: Array
    iteration: Int[Array, ""]
    options: Sampling
    environment: Environment
    first: Float[Array, "B V"]  # logits after each prompt


def roots(
    apply: Apply,
    params: Params,
    facts: Facts,
    key: Array,
    iteration: Int[Array, ""],
    options: Sampling,
    environment: Environment,
    count: int,
) -> tuple[Setting, Rows]:
    """`count` whole episodes for each prompt, with their states before each turn."""
    few = dataclasses.replace(options, num_generations=count)
    now, states, noise = unplayed(
        apply, params, facts, key, iteration, few, environment
    )
    first, turns = now.logits[::count], environment.max_turns
    blank = lambda x: jnp.zeros((x.shape[0], turns, *x.shape[1:]), x.dtype)  # noqa: E731
    past = jax.tree.map(blank, states)
    now, states, past = to_the_end(
        now, states, past, apply, params, noise, options, environment
    )
    setting = Setting(apply, params, facts, key, iteration, options, environment, first)
    index = jnp.arange(now.length.shape[0]) % count
    return setting, Rows(packed(now), states, past, nodes(now, index))


def branch(
    setting: Setting,
    rows: Rows,
    parent: Int[Array, "B M"],
    turn: Int[Array, "B M"],
    keys: Array,
    index: Int[Array, " M"],
) -> Rows:
    """M more episodes for each prompt, each from the beginning of a parent's turn.

    `parent` numbers rows within a prompt; turn 0 is a fresh episode, and a turn that
    the parent never began gives the parent's episode again. `keys` [B M] are those of
    the noise, `index` the new rows' own numbers within their prompt, for `node`.
    """
    options, width = setting.options, rows.node.shape[1]
    old = pick(rows, parent)
    turn = turn.reshape(-1)
    start = rewind(old.now, turn, options.pad_id)
    each, prefix = jnp.arange(turn.shape[0]), start.length

    # The logits after the prefix were not kept: its last token is read once more.
    again = prefix > 0
    last = start.tokens[each, jnp.maximum(prefix - 1, 0)]
    held = jnp.arange(width) < prefix[:, None] - 1
    cache = rows.now.cache.branch(parent, held, width + 1).reading(again)
    logits, cache = setting.apply(setting.params, last[:, None], cache)
    fresh = jnp.repeat(setting.first, parent.shape[1], axis=0)
    logits = jnp.where(again[:, None], logits[:, 0], fresh)

    begun = jax.tree.map(lambda x: x[each, start.turn], old.past)
    now, states, past = to_the_end(
        start._replace(cache=cache, logits=logits),
        choose_rows(turn > old.now.turn, old.states, begun),
        old.past,
        setting.apply,
        setting.params,
        gumbel_noise(keys, width, logits.shape[-1]),
        options,
        setting.environment,
    )
    shared = jnp.arange(width) < prefix[:, None]
    own = nodes(now, jnp.tile(index, parent.shape[0]))
    node = jnp.where(shared, old.node, own)
    return Rows(packed(now), states, past, node)
