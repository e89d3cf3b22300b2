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
from rewardlab.models.lm import Apply, Params, unstacked
from rewardlab.rollouts.beliefs import beliefs
from rewardlab.rollouts.branches import TreeContext, resume_from_turn, roots
from rewardlab.rollouts.density import branch_where_least_dense
from rewardlab.rollouts.drawing import Sampling, row_keys
from rewardlab.rollouts.episodes import Columns, to_rollout
from rewardlab.rollouts.forking import (
    Branching,
    branch_at_high_entropy,
    branch_evenly,
    first_tokens_entropy,
    uniform,
)
from rewardlab.rollouts.rows import Rows, gather_rows, write_rows
from rewardlab.rollouts.values import tree_values, turn_values, with_values
from rewardlab.tasks.environment import Environment

_CHOICE = 2**31 - 1  # folded into a run's key: draws that choose where to branch


@functools.partial(
    jax.jit,
    static_argnames=(
        *("apply", "environment"),
        *("branching", "values", "belief"),
    ),
)
def rollout_trees(
    apply: Apply,
    params: Params,
    columns: Columns,
    key: Array,
    iteration: Int[Array, ""],
    options: Sampling,
    environment: Environment,
    branching: Branching | None,
    values: int | None = None,
    belief: bool = False,
) -> Rollout:
    """G = num_generations episodes for each prompt; some branch off others.

    As `rollout_episodes`, and the first `roots` rows of a prompt are the same as there.
    A row that branches off another holds all its tokens: the shared ones, with the
    log-probs they were sampled with, and its own, whose noise is that of the row's own
    sample index. The signal `node` [N, T] is added: the same id in all rows of a prompt
    that share the turn, different ids for different turns, -1 on padding.

    `values` adds the signals of `with_values`: from the tree's own leaves if it is 0,
    else from that many continuations of each turn. A round is one step of a scan, so
    the loop over tokens is compiled once for the roots and once for all rounds.
    """
    num_generations, turns = options.num_generations, environment.max_turns
    problem = branching and branching.validate(num_generations, turns)
    if problem:
        raise ValueError(problem)
    params = unstacked(params)  # once, not once a token
    first = branching.roots if branching else num_generations
    context, rows = roots(
        apply, params, columns, key, iteration, options, environment, first
    )
    if branching:
        rows = _spread(context, rows, branching)
    rollout = to_rollout(rows.state, rows.env_states, columns, iteration, environment)
    rollout = rollout.with_signals(node=rows.node)
    if values is not None:
        value = tree_values(rollout, turns, num_generations)
        if values:
            value = turn_values(context, rows, values)
        rollout = with_values(rollout, value)
    if belief:
        rollout = beliefs(apply, params, rollout, rows.state.cache, columns, turns)
    return rollout


def _spread(context: TreeContext, rows: Rows, branching: Branching) -> Rows:
    """All rows of the tree, from its roots."""
    options, prompts = context.options, context.first.shape[0]
    num_generations, rounds = options.num_generations, branching.rounds
    more = (num_generations - branching.roots) // rounds
    ids = context.columns["id"]
    keys = row_keys(context.key, context.iteration, ids, num_generations).reshape(
        prompts, num_generations
    )
    keys = keys[:, branching.roots :].reshape(prompts, rounds, more).swapaxes(0, 1)

    def add(rows: Rows, x: tuple[Array, Array]) -> tuple[Rows, None]:
        number, noise = x
        existing = branching.roots + number * more
        where = _where(context, rows, branching, number, existing, (prompts, more))
        index = existing + jnp.arange(more)
        new = resume_from_turn(context, rows, *where, noise.reshape(-1), index)
        return write_rows(rows, new, existing, prompts), None

    # Rows that are not written yet hold the last root.
    last = jnp.minimum(jnp.arange(num_generations), branching.roots - 1)
    rows = gather_rows(rows, jnp.broadcast_to(last, (prompts, num_generations)))
    return lax.scan(add, rows, (jnp.arange(rounds), keys))[0]


def _where(
    context: TreeContext,
    rows: Rows,
    branching: Branching,
    number: Int[Array, ""],
    existing: Int[Array, ""],
    shape: tuple[int, int],
) -> tuple[Int[Array, "B M"], Int[Array, "B M"]]:
    """Parents and turns of a round, with `existing` rows for each prompt so far."""
    if branching.turns:
        turn = jnp.asarray(branching.turns)[number]
        return branch_evenly(rows.state, turn, existing, shape)
    if branching.rule == "least_dense":
        return branch_where_least_dense(rows, shape)
    state, turns = rows.state, context.environment.max_turns
    num_generations = context.options.num_generations
    index = jnp.arange(rows.node.shape[0])[:, None] % num_generations
    mine = (rows.node >= 0) & (rows.node // turns == index)
    own = jnp.min(jnp.where(mine, state.step, turns), axis=1)
    own = jnp.where(index[:, 0] < existing, own, turns)
    key = jax.random.fold_in(jax.random.fold_in(context.key, _CHOICE), number)
    draw = uniform(
        row_keys(key, context.iteration, context.columns["id"], num_generations), turns
    )
    entropy = first_tokens_entropy(state, state.logits.shape[-1])
    return branch_at_high_entropy(state, entropy, own, draw, branching, shape)
