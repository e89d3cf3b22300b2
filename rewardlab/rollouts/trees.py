"""Episodes that share prefixes: some begin at the prompt, others branch off.

    row 0   prompt | turn 0 | turn 1 | turn 2 |
    row 1                   '--------| turn 1 | turn 2 | turn 3 |
    row 2                            '--------| turn 2 |

A branch has its parent's tokens up to a turn, copied with what the cache holds of them,
and the environment's state when that turn began; then it goes on with its own noise.
"""

import functools

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Int

from rewardlab.core.types import Rollout
from rewardlab.models.lm import Apply, Params
from rewardlab.rollouts.beliefs import beliefs
from rewardlab.rollouts.branches import Setting, branch, roots
from rewardlab.rollouts.drawing import Sampling, row_keys
from rewardlab.rollouts.episodes import Facts, played
from rewardlab.rollouts.forking import (
    Branching,
    evenly,
    hesitation,
    uniform,
    where_unsure,
)
from rewardlab.rollouts.rows import Rows, pick, put
from rewardlab.rollouts.values import tree_values, turn_values, with_values
from rewardlab.tasks.environment import Environment

_CHOICE = 2**31 - 1  # folded into a run's key: draws that choose where to branch


@functools.partial(
    jax.jit,
    static_argnames=(
        *("apply", "options", "environment"),
        *("branching", "values", "belief"),
    ),
)
def grow(
    apply: Apply,
    params: Params,
    facts: Facts,
    key: Array,
    iteration: Int[Array, ""],
    options: Sampling,
    environment: Environment,
    branching: Branching | None,
    values: int | None = None,
    belief: bool = False,
) -> Rollout:
    """G = num_generations episodes for each prompt, of which some branch off others.

    A `Rollout` as `play` makes it, and its first `roots` rows of a prompt are those of
    `play`. A row that branches off another holds all its tokens: those they share, with
    the log-probs that they were sampled with, and its own, whose noise is that of the
    row's own sample index. Added is the signal `node` [N, T]: the same id in all rows
    of a prompt that share the turn, another for each other turn, -1 on padding.

    `values` adds the signals of `with_values`: by the tree's own leaves if it is 0,
    else by that many continuations from each turn. A round is one step of a scan, so
    the loop over tokens is compiled once for the roots and once for all rounds.
    """
    g, turns = options.num_generations, environment.max_turns
    problem = branching and branching.problem(g, turns)
    if problem:
        raise ValueError(problem)
    first = branching.roots if branching else g
    setting, rows = roots(
        apply, params, facts, key, iteration, options, environment, first
    )
    if branching:
        rows = _spread(setting, rows, branching)
    rollout = played(rows.now, rows.states, facts, iteration, environment)
    rollout = rollout.with_signals(node=rows.node)
    if values is not None:
        value = tree_values(rollout, turns, g)
        if values:
            value = turn_values(setting, rows, values)
        rollout = with_values(rollout, value)
    if belief:
        rollout = beliefs(apply, params, rollout, rows.now.cache, facts, turns)
    return rollout


def _spread(setting: Setting, rows: Rows, branching: Branching) -> Rows:
    """All rows of the tree, from its roots."""
    options, prompts = setting.options, setting.first.shape[0]
    g, rounds = options.num_generations, branching.rounds
    more = (g - branching.roots) // rounds
    ids = setting.facts["id"]
    keys = row_keys(setting.key, setting.iteration, ids, g).reshape(prompts, g)
    keys = keys[:, branching.roots :].reshape(prompts, rounds, more).swapaxes(0, 1)

    def add(rows: Rows, x: tuple[Array, Array]) -> tuple[Rows, None]:
        number, noise = x
        there = branching.roots + number * more
        where = _where(setting, rows, branching, number, there, (prompts, more))
        index = there + jnp.arange(more)
        new = branch(setting, rows, *where, noise.reshape(-1), index)
        return put(rows, new, there, prompts), None

    # Rows to come hold the last root until they are written.
    last = jnp.minimum(jnp.arange(g), branching.roots - 1)
    rows = pick(rows, jnp.broadcast_to(last, (prompts, g)))
    return lax.scan(add, rows, (jnp.arange(rounds), keys))[0]


def _where(
    setting: Setting,
    rows: Rows,
    branching: Branching,
    number: Int[Array, ""],
    there: Int[Array, ""],
    shape: tuple[int, int],
) -> tuple[Int[Array, "B M"], Int[Array, "B M"]]:
    """Parents and turns of a round, when there are `there` rows for each prompt."""
    if branching.turns:
        turn = jnp.asarray(branching.turns)[number]
        return evenly(rows.now, turn, there, shape)
    now, turns = rows.now, setting.environment.max_turns
    g = setting.options.num_generations
    index = jnp.arange(rows.node.shape[0])[:, None] % g
    mine = (rows.node >= 0) & (rows.node // turns == index)
    own = jnp.min(jnp.where(mine, now.step, turns), axis=1)
    own = jnp.where(index[:, 0] < there, own, turns)
    key = jax.random.fold_in(jax.random.fold_in(setting.key, _CHOICE), number)
    draw = uniform(row_keys(key, setting.iteration, setting.facts["id"], g), turns)
    entropy = hesitation(now, now.logits.shape[-1])
    return where_unsure(now, entropy, own, draw, branching, shape)
